/**
 * A server under load: two processes, the server on the first core and the load driver on the second, so that neither pays for the other.
 *
 * [LO1] CPU is that of the whole server process (all threads) while the driver counts what arrives; both count over the same stretch.
 * [LO2] Where processes cannot be pinned (`taskset` is missing, or there is one core) the settings say so.
 */
import { Child, type Usage } from "./child.ts";
import type { Closing, Connect, Kind, Measured } from "./driver.ts";

export type Window = Measured & {
  /** CPU of the server, of one core. */
  readonly cpu: number;
  readonly cpuMs: number;
};

const OPEN_MS = 60_000;
/** The driver collects its garbage often and shortly: a longer pause looks like late frames. Helping threads would only wait for the core they share with it. */
const DRIVER = [process.execPath, "--max-semi-space-size=1", "--single-threaded-gc"];
const SERVERS: Readonly<Record<Kind, string>> = {
  ours: "servers/ours.ts",
  raw: "servers/raw.ts",
  colyseus: "servers/colyseus.ts",
  json: "servers/json.ts",
};

export class Load {
  private readonly kind: Kind;
  private readonly server: Child;
  private readonly driver: Child;
  private readonly url: string;

  private constructor(parts: { readonly kind: Kind; readonly server: Child; readonly driver: Child; readonly url: string }) {
    this.kind = parts.kind;
    this.server = parts.server;
    this.driver = parts.driver;
    this.url = parts.url;
  }

  /** Starts both processes; `options` are the server's. */
  static async start(kind: Kind, options: Readonly<Record<string, unknown>>, prefix: readonly string[] = []): Promise<Load> {
    const server = await Child.start(SERVERS[kind], prefix);
    try {
      const driver = await Child.start("driver.ts", DRIVER);
      server.pin(0);
      driver.pin(1);
      return new Load({ kind, server, driver, url: await server.ask<string>("open", options) });
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Lets `count` more clients in. */
  async connect(options: Omit<Connect, "kind" | "url">): Promise<void> {
    await this.driver.ask("connect", { kind: this.kind, url: this.url, ...options }, OPEN_MS + options.count * 200);
  }

  async measure(ms: number): Promise<Window> {
    const before = await this.usage();
    const measured = await this.driver.ask<Measured>("measure", { ms });
    const after = await this.usage();
    const cpuMs = after.cpuMs - before.cpuMs;
    return { ...measured, cpuMs, cpu: cpuMs / (after.atMs - before.atMs) };
  }

  usage(collect = false): Promise<Usage> {
    return this.server.ask("usage", { collect });
  }
  /** Asks the server, or the driver, something of its own. */
  askServer<T>(question: string, argument?: unknown): Promise<T> {
    return this.server.ask(question, argument);
  }
  askDriver<T>(question: string, argument?: unknown): Promise<T> {
    return this.driver.ask(question, argument);
  }
  closings(): Promise<readonly Closing[]> {
    return this.driver.ask("closings");
  }

  async stop(): Promise<void> {
    await Promise.all([this.driver.stop(), this.server.stop()]);
  }
}
