/**
 * `npm run bench -- objects [--only PART,...]`: what durable shared objects cost. Parts stand side by side; each brings its figures and its peers.
 * bench/README.md explains the figures.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure } from "../report.ts";
import { type Part, runParts } from "../parts.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { ackLatency, LATENCY, type LatencyScale } from "./ack-latency.ts";
import { GROWTH, growth, type GrowthScale } from "./growth.ts";
import { HOLD, hold, type HoldScale } from "./hold.ts";
import { IDLE, idle, type IdleScale } from "./idle.ts";
import { MEMORY, memory, type MemoryScale } from "./memory.ts";
import { readRecordings, type Recording } from "./recordings.ts";
import { LOAD, loadTimes } from "./opening.ts";
import { replay } from "./replay.ts";
import { type Running, SERVERS, startServer } from "./servers.ts";
import { throughput, THROUGHPUT, type ThroughputScale } from "./throughput.ts";

export type ObjectsScale = {
  readonly latency: LatencyScale;
  readonly throughput: ThroughputScale;
  readonly growth: GrowthScale;
  readonly memory: MemoryScale;
  readonly idle: IdleScale;
  readonly hold: HoldScale;
};
export const FULL: ObjectsScale = { latency: LATENCY, throughput: THROUGHPUT, growth: GROWTH, memory: MEMORY, idle: IDLE, hold: HOLD };
/** Recorded editing sessions, where they are. */
const SESSIONS = "../shared/data/editing";

export const OBJECT_PARTS = ["ack", "throughput", "sessions", "load", "growth", "memory", "idle", "hold"] as const;
type PartName = (typeof OBJECT_PARTS)[number];
type Progress = (line: string) => void;

export function objects(options: SuiteOptions, progress: Progress, scale: ObjectsScale = FULL): Promise<SuiteResult> {
  const data = options.data ?? SESSIONS;
  const parts: Readonly<Record<PartName, Omit<Part, "name">>> = {
    ack: { settings: prefixed("ack", scale.latency), run: () => ackLatency(scale.latency, progress) },
    throughput: { settings: prefixed("throughput", scale.throughput), run: () => inFolder((folder) => against(folder, scale.throughput, progress)) },
    sessions: { settings: {}, run: () => withRecordings(data, progress, replayed) },
    load: { settings: prefixed("load", LOAD), run: () => withRecordings(data, progress, loadTimes) },
    growth: { settings: prefixed("growth", scale.growth), run: () => growth(scale.growth, progress) },
    memory: { settings: prefixed("memory", scale.memory), run: () => memory(scale.memory, progress) },
    hold: { settings: prefixed("hold", scale.hold), run: () => hold(scale.hold, progress) },
    idle: { settings: prefixed("idle", scale.idle), run: () => idle(scale.idle, progress) },
  };
  return runParts(
    OBJECT_PARTS.map((name) => ({ name, ...parts[name] })),
    options,
    progress,
  );
}

async function against(folder: string, scale: ThroughputScale, progress: Progress): Promise<Figure[]> {
  const running: Running[] = [];
  try {
    for (const name of SERVERS) running.push(await startServer(name, folder));
    return await throughput(running, scale, progress);
  } finally {
    await Promise.all(running.map((server) => server.stop()));
  }
}

type OnRecordings = (folder: string, recordings: readonly Recording[], progress: Progress) => Promise<Figure[]>;

async function withRecordings(data: string, progress: Progress, work: OnRecordings): Promise<Figure[]> {
  const recordings = readRecordings(data);
  if (recordings.length > 0) return inFolder((folder) => work(folder, recordings, progress));
  progress(`No recorded editing sessions in ${data}: nothing is replayed or opened (--data DIR).`);
  return [];
}

async function replayed(folder: string, recordings: readonly Recording[], progress: Progress): Promise<Figure[]> {
  const server = await startServer("ours", folder);
  return replay(server, recordings, progress).finally(() => server.stop());
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Settings of a part; others have some of the same name. */
const prefixed = (part: string, settings: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${part}.${name}`, value]));
