/**
 * Workers in child processes, started by a small process of our own (the nursery, nursery-process.ts) instead of by the room's.
 *
 * Starting a process copies the page tables of the one that starts it, and every page either of them writes afterwards faults once: in a server
 * with hundreds of megabytes that is milliseconds, in the room's thread, per worker. The nursery is forked once, while the server is still small.
 *
 * [CL1] Killing is by SIGKILL: it works on a stopped process and inside native code. A nursery that does not do it in `END_MS` is killed too.
 * [CL2] Neither workers nor the nursery outlive the room's process, however that ends: their channels close.
 * [CL3] A nursery that is lost takes its workers with it; the next worker starts another.
 * [CL4] Workers have `NICE` less priority than the room's process: where processors are short the rooms come first.
 * [CL5] What the room's process and a worker say to each other goes through no third process: it would be woken twice per batch, beside the room. All
 *       workers of a nursery inherit the same stream, one after the other, each with a mark of its own (FR1).
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { constants, getPriority, setPriority } from "node:os";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { FromWorker, ToWorker } from "../worker-messages.ts";
import { FrameReader, frameOf, MARK_BYTES } from "./frames.ts";
import type { FromNursery, ToNursery } from "./nursery-messages.ts";
import { type Launcher, type Vessel, type VesselEvents, WIRE_FD, WORKER_ENV } from "./vessel.ts";

const ENTRY = new URL("./nursery-process.ts", import.meta.url);
/** It passes on batches of at most some megabytes and keeps nothing. */
const FLAGS: readonly string[] = ["--max-old-space-size=128", "--max-semi-space-size=1"];
const NICE = 10;
const END_MS = 1000;

/** Whether this process's executable can start another Node: not under another C library's loader, which would be the executable. */
export const canFork = (): boolean => !basename(process.execPath).startsWith("ld-");

type Charge = { readonly events: VesselEvents; readonly gone: PromiseWithResolvers<void>; pid: number | undefined };

export class ChildLauncher implements Launcher {
  private nursery: ChildProcess | undefined;
  private readonly charges = new Map<number, Charge>();
  /** Of the worker that was started last: there is one at a time. */
  private reader: FrameReader | undefined;
  private ids = 0;

  constructor() {
    this.nursery = this.open();
  }

  launch(entry: URL, events: VesselEvents): Vessel {
    const id = ++this.ids;
    const charge: Charge = { events, gone: Promise.withResolvers<void>(), pid: undefined };
    this.charges.set(id, charge);
    this.nursery ??= this.open();
    const mark = randomBytes(MARK_BYTES);
    this.reader = new FrameReader(mark, (message) => charge.events.onMessage(message as FromWorker));
    this.wire?.write(mark);
    this.tell({ kind: "start", id, entry: fileURLToPath(entry), mark: mark.toString("hex") });
    return {
      get pid() {
        return charge.pid;
      },
      post: (message) => this.post(id, message),
      end: () => this.end(id),
      leave: (ms) => this.leave(id, ms),
    };
  }

  async close(): Promise<void> {
    const { nursery } = this;
    if (nursery === undefined) return;
    const gone = new Promise<void>((resolve) => nursery.once("exit", () => resolve()));
    nursery.ref();
    const late = setTimeout(() => nursery.kill("SIGKILL"), END_MS);
    if (nursery.connected) nursery.disconnect();
    await gone;
    clearTimeout(late);
  }

  private open(): ChildProcess {
    const nursery = fork(fileURLToPath(ENTRY), {
      serialization: "advanced",
      // It and its workers need none of the server's secrets, flags or preloaded modules; only what they need not compile again.
      env: { ...WORKER_ENV, ...compileCache() },
      execArgv: [...FLAGS],
      stdio: ["ignore", "ignore", "inherit", "ipc", "pipe"],
    });
    const wire = wireOf(nursery);
    // A worker that is gone is noticed as such; what was meant for it is sent again by whoever sent it.
    wire?.on("error", () => undefined);
    wire?.on("data", (chunk: Buffer) => this.reader?.push(chunk));
    wire?.unref();
    yieldToRooms(nursery.pid);
    nursery.unref();
    nursery.channel?.unref();
    nursery.on("message", (message: FromNursery) => this.hear(message));
    nursery.once("error", (error: NodeJS.ErrnoException) =>
      this.lost(nursery, `the process that starts workers failed: ${error.code ?? error.name}`),
    );
    nursery.once("exit", (code, signal) => this.lost(nursery, `the process that starts workers left with ${signal ?? `code ${code}`}`));
    return nursery;
  }

  private hear(message: FromNursery): void {
    const charge = this.charges.get(message.id);
    if (message.kind === "started") {
      if (charge !== undefined) charge.pid = message.pid;
    } else this.gone(message.id, message.sentence);
  }

  private gone(id: number, sentence: string): void {
    const charge = this.charges.get(id);
    if (charge === undefined) return;
    this.charges.delete(id);
    charge.gone.resolve();
    charge.events.onGone(sentence);
  }

  private lost(nursery: ChildProcess, sentence: string): void {
    if (this.nursery !== nursery) return;
    this.nursery = undefined;
    for (const [id, { pid }] of this.charges) {
      kill(pid);
      this.gone(id, sentence);
    }
  }

  private async end(id: number): Promise<boolean> {
    const charge = this.charges.get(id);
    if (charge === undefined) return true;
    this.tell({ kind: "kill", id });
    const late = setTimeout(() => {
      // Its parent has not reaped it, or it would have said so: the number is still this worker's.
      kill(charge.pid);
      this.nursery?.kill("SIGKILL");
    }, END_MS);
    late.unref();
    await charge.gone.promise;
    clearTimeout(late);
    return true;
  }

  private async leave(id: number, ms: number): Promise<void> {
    const charge = this.charges.get(id);
    if (charge === undefined) return;
    this.nursery?.channel?.ref();
    const late = setTimeout(() => void this.end(id), ms);
    this.post(id, { kind: "close" });
    await charge.gone.promise;
    clearTimeout(late);
    this.nursery?.channel?.unref();
  }

  private get wire(): Socket | undefined {
    return this.nursery === undefined ? undefined : wireOf(this.nursery);
  }

  private post(id: number, message: ToWorker): void {
    if (id === this.ids && this.wire?.writable === true) this.wire.write(frameOf(message));
  }

  /** A closed channel is noticed as the end of the process; the callback keeps the error from being thrown. */
  private tell(message: ToNursery): void {
    if (this.nursery?.connected === true) this.nursery.send(message, () => undefined);
  }
}

/** Both ways, though the types know of children's output only. */
const wireOf = (nursery: ChildProcess): Socket | undefined => (nursery.stdio[WIRE_FD] as Socket | null | undefined) ?? undefined;

function compileCache(): Record<string, string> {
  const folder = process.env["NODE_COMPILE_CACHE"];
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}

/** Where it is not allowed, everybody is equal, as before. */
function yieldToRooms(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICE));
  } catch {
    // Not permitted, or it has ended already.
  }
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
