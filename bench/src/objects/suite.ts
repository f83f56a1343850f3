/**
 * `npm run bench -- objects`: what durable shared objects cost. Parts stand side by side; each brings its figures and its peers.
 * bench/README.md explains the figures.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { ackLatency, LATENCY, type LatencyScale } from "./ack-latency.ts";
import { GROWTH, growth, type GrowthScale } from "./growth.ts";
import { idle, MEMORY, memory, type MemoryScale } from "./memory.ts";
import { readRecordings, type Recording } from "./recordings.ts";
import { loadTimes, replay } from "./replay.ts";
import { type Running, SERVERS, startServer } from "./servers.ts";
import { throughput, THROUGHPUT, type ThroughputScale } from "./throughput.ts";

export type ObjectsScale = {
  readonly latency: LatencyScale;
  readonly throughput: ThroughputScale;
  readonly growth: GrowthScale;
  readonly memory: MemoryScale;
};
export const FULL: ObjectsScale = { latency: LATENCY, throughput: THROUGHPUT, growth: GROWTH, memory: MEMORY };
/** Recorded editing sessions, where they are. */
const SESSIONS = "../shared/data/editing";

/** For `--only`. */
export const PARTS = ["ack", "throughput", "replay", "load", "growth", "memory", "idle"] as const;
type Part = (typeof PARTS)[number];

type Progress = (line: string) => void;

export async function objects(options: SuiteOptions, progress: Progress, scale: ObjectsScale = FULL): Promise<SuiteResult> {
  const recordings = recordingsIn(options.data ?? SESSIONS, progress);
  const parts: Readonly<Record<Part, () => Promise<Figure[]>>> = {
    ack: () => ackLatency(scale.latency, progress),
    throughput: () => inFolder((folder) => against(folder, scale.throughput, progress)),
    replay: () => inFolder((folder) => replayed(folder, recordings(), progress)),
    load: () => inFolder((folder) => loadTimes(folder, recordings(), progress)),
    growth: () => growth(scale.growth, progress),
    memory: () => memory(scale.memory, progress),
    idle: () => idle(scale.memory, progress),
  };
  const figures: Figure[] = [];
  for (const part of PARTS) if (options.only?.includes(part) !== false) figures.push(...(await parts[part]()));
  return { settings: { ...scale.latency, ...scale.throughput, ...prefixed("growth", scale.growth), ...scale.memory }, figures };
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

/** Read when the first part asks for them; says so once when there are none. */
function recordingsIn(data: string, progress: Progress): () => readonly Recording[] {
  let found: readonly Recording[] | undefined;
  return () => {
    if (found !== undefined) return found;
    found = readRecordings(data);
    if (found.length === 0) progress(`No recorded editing sessions in ${data}: nothing is replayed (--data DIR).`);
    return found;
  };
}

async function replayed(folder: string, recordings: readonly Recording[], progress: Progress): Promise<Figure[]> {
  if (recordings.length === 0) return [];
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

/** Settings of a part whose names others have too. */
const prefixed = (part: string, settings: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${part}.${name}`, value]));
