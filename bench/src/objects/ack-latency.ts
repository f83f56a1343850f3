/**
 * How long an edit waits until it is safe: from the change in the SDK to `saved`, through the real server, its gate, its store and this disk.
 * The peer is the least a durable acknowledgement can cost here: a bare WebSocket server that writes what it is sent to a file, calls
 * fdatasync for all that waits together, and answers (raw-fsync-server.ts). No gate, no document, no database, no broadcast.
 *
 * [OL1] Both are processes of their own on the same disk; the people are in this process; the two take turns, so that a slow second of the
 *       machine hits both.
 * [OL2] Arrivals are the same: `people` who each edit at their own steady pace, out of step with each other, `editsPerS` together. Both send
 *       messages of about the same size.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect, devTickets, type Space } from "@copresence/client/node";
import notes from "@copresence/simulations/notes-scene";
import { startServerProcess } from "@copresence/simulations/server-process";
import type { Figure } from "../report.ts";

export type LatencyScale = {
  readonly people: number;
  readonly editsPerS: number;
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmMs: number;
};
export const LATENCY: LatencyScale = { people: 10, editsPerS: 200, rounds: 4, roundMs: 6000, warmMs: 2000 };

const SCENE = fileURLToPath(import.meta.resolve("@copresence/simulations/notes-scene"));
const RAW_SERVER = fileURLToPath(new URL("./raw-fsync-server.ts", import.meta.url));
const SPACE = "bench";
/** What the SDK sends for one such edit, with its frame. */
const EDIT_BYTES = 60;

/** Somebody who edits; `edit` resolves once the edit is safe. */
type Writer = { edit(): Promise<void>; leave(): Promise<void> };

export async function ackLatency(scale: LatencyScale, progress: (line: string) => void): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-bench-"));
  const server = await startServerProcess({
    COPRESENCE_SCENE: SCENE,
    COPRESENCE_SPACES: SPACE,
    COPRESENCE_DEV_TICKETS: "1",
    COPRESENCE_STORE: join(folder, "scenes.sqlite"),
  });
  const raw = await startRaw(join(folder, "raw.log"));
  try {
    const ours = await Promise.all(Array.from({ length: scale.people }, (_, index) => sdkWriter(server.url, index)));
    const theirs = await Promise.all(Array.from({ length: scale.people }, () => rawWriter(raw.url)));
    await measure(ours, { ...scale, roundMs: scale.warmMs });
    await measure(theirs, { ...scale, roundMs: scale.warmMs });
    const [mine, least]: [number[], number[]] = [[], []];
    for (let round = 0; round < scale.rounds; round++) {
      mine.push(...(await measure(ours, scale)));
      least.push(...(await measure(theirs, scale)));
      progress(`round ${round + 1}: saved after p50 ${quantile(mine, 0.5).toFixed(2)} ms, raw fsync ${quantile(least, 0.5).toFixed(2)} ms`);
    }
    await Promise.all([...ours, ...theirs].map((writer) => writer.leave()));
    return figures(mine, least, scale);
  } finally {
    raw.process.kill("SIGKILL");
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function figures(mine: readonly number[], least: readonly number[], scale: LatencyScale): Figure[] {
  const [p50, p99] = [quantile(mine, 0.5), quantile(mine, 0.99)];
  const ratio = p50 / quantile(least, 0.5);
  const peer = "a bare WebSocket server with batched fdatasync";
  const expected = (scale.editsPerS * scale.rounds * scale.roundMs) / 1000;
  return [
    { id: "objects.edits", value: mine.length, unit: "edits", bar: `>= ${0.95 * expected}`, ok: mine.length >= 0.95 * expected },
    { id: "objects.ack_ms_p50", value: p50, unit: "ms", bar: "<= 5", ok: p50 <= 5 },
    { id: "objects.ack_ms_p95", value: quantile(mine, 0.95), unit: "ms" },
    { id: "objects.ack_ms_p99", value: p99, unit: "ms", bar: "<= 15", ok: p99 <= 15 },
    { id: "objects.raw_fsync_ms_p50", value: quantile(least, 0.5), unit: "ms", peer },
    { id: "objects.raw_fsync_ms_p99", value: quantile(least, 0.99), unit: "ms", peer },
    { id: "objects.vs_raw_fsync", value: ratio, unit: "x (p50)", bar: "<= 1.5", ok: ratio <= 1.5, peer },
    { id: "objects.vs_raw_fsync_p99", value: p99 / quantile(least, 0.99), unit: "x (p99)", peer },
  ];
}

/** Everybody edits at their pace for a round; milliseconds until each edit was safe. An edit waits for the one before it. */
async function measure(writers: readonly Writer[], { editsPerS, roundMs }: LatencyScale): Promise<number[]> {
  const latencies: number[] = [];
  const periodMs = (1000 * writers.length) / editsPerS;
  const startMs = performance.now();
  const live = async (writer: Writer, index: number): Promise<void> => {
    for (let n = 0; ; n++) {
      const dueMs = startMs + periodMs * (n + index / writers.length);
      if (dueMs > startMs + roundMs) return;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await pause(waitMs);
      const before = performance.now();
      await writer.edit();
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(writers.map(live));
  return latencies;
}

async function sdkWriter(url: string, index: number): Promise<Writer> {
  const space = await connect({
    url,
    scene: notes,
    space: SPACE,
    ticket: devTickets(url, { space: SPACE, name: `writer ${index}` }),
    patienceMs: 30_000,
  });
  const note = space.objects.create("note", { color: "#102030" });
  await saved(space);
  let n = 0;
  return {
    edit: () => {
      note.set("color", `#${(n++ & 0xffffff).toString(16).padStart(6, "0")}`);
      if (space.saved === "saved") throw new Error("An edit changed nothing.");
      return saved(space);
    },
    leave: () => space.leave(),
  };
}

function saved(space: Space): Promise<void> {
  if (space.saved === "saved") return Promise.resolve();
  return new Promise((resolve) => {
    const stop = space.on("saved", (state) => {
      if (state !== "saved") return;
      stop();
      resolve();
    });
  });
}

function rawWriter(url: string): Promise<Writer> {
  const socket = new WebSocket(url);
  const payload = new Uint8Array(EDIT_BYTES).fill(7);
  let safe: () => void = () => undefined;
  socket.addEventListener("message", () => safe());
  return new Promise((resolve, reject) => {
    socket.addEventListener("error", () => reject(new Error("The raw server cannot be reached.")));
    socket.addEventListener("open", () =>
      resolve({
        edit: () =>
          new Promise((done) => {
            safe = done;
            socket.send(payload);
          }),
        leave: async () => socket.close(),
      }),
    );
  });
}

async function startRaw(file: string): Promise<{ readonly process: ChildProcess; readonly url: string }> {
  const child = spawn(process.execPath, [RAW_SERVER, file], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once("exit", () => reject(new Error("The raw server did not start.")));
  });
  return { process: child, url: `ws://127.0.0.1:${port}` };
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}
