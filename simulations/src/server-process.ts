/**
 * The real server in its own process, for benches and system tests: started from its command line, measured through /metrics, ended by signal.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../server/src/cli.ts", import.meta.url));
const START_MS = 30_000;

export type ServerProcess = {
  readonly url: string;
  readonly transport: string;
  readonly process: ChildProcess;
  /** Everything it wrote. */
  readonly output: () => string;
  /** Sends the signal and waits for the end; the exit code, or null after a kill. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>;
  /** One metric of /metrics, summed over the label sets that contain `labels`. */
  readonly metric: (name: string, labels?: string) => Promise<number>;
};

/** `prefix`: what to start Node with, e.g. a loader; default this very Node. */
export async function startServerProcess(
  settings: Readonly<Record<string, string>>,
  prefix: readonly string[] = [process.execPath],
): Promise<ServerProcess> {
  const [command, ...before] = prefix as [string, ...string[]];
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("COPRESENCE_")));
  const child = spawn(command, [...before, CLI], {
    env: { ...inherited, COPRESENCE_PORT: "0", COPRESENCE_BOUNDARY_M: "0", COPRESENCE_LOG: "warn", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithUs(child);
  let output = "";
  const ready = /running at (\S+) \((\w+)\)/;
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => {
      child.kill("SIGKILL");
      reject(new Error(`The server did not start:\n${output}`));
    };
    const tooLate = setTimeout(fail, START_MS);
    const hear = (chunk: Buffer): void => {
      output += chunk.toString();
      if (!ready.test(output)) return;
      clearTimeout(tooLate);
      child.off("exit", fail);
      resolve();
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", fail);
  });
  const [, url = "", transport = ""] = ready.exec(output) ?? [];
  return {
    url,
    transport,
    process: child,
    output: () => output,
    stop: async (signal = "SIGTERM") => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
    metric: async (name, labels = "") => {
      const text = await (await fetch(new URL("/metrics", url))).text();
      let sum = 0;
      for (const line of text.split("\n")) {
        const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
        if (match?.[1] === name && (match[2] ?? "").includes(labels)) sum += Number(match[3]);
      }
      return sum;
    },
  };
}

/** A process is ended with the one that started it, also when that ends by an exception: a server left behind would weigh on all later figures. */
export function endWithUs(child: ChildProcess): void {
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
}
