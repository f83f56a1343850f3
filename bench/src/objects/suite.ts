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
import { MEMORY, memory, type MemoryScale } from "./memory.ts";
import { readRecordings } from "./recordings.ts";
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

type Progress = (line: string) => void;

export async function objects(options: SuiteOptions, progress: Progress, scale: ObjectsScale = FULL): Promise<SuiteResult> {
  const parts: readonly (() => Promise<Figure[]>)[] = [
    () => ackLatency(scale.latency, progress),
    () => inFolder((folder) => against(folder, scale.throughput, progress)),
    () => inFolder((folder) => sessions(folder, options.data ?? SESSIONS, progress)),
    () => growth(scale.growth, progress),
    () => memory(scale.memory, progress),
  ];
  const figures: Figure[] = [];
  for (const part of parts) figures.push(...(await part()));
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

async function sessions(folder: string, data: string, progress: Progress): Promise<Figure[]> {
  const recordings = readRecordings(data);
  if (recordings.length === 0) {
    progress(`No recorded editing sessions in ${data}: nothing is replayed (--data DIR).`);
    return [];
  }
  const server = await startServer("ours", folder);
  const figures = await replay(server, recordings, progress).finally(() => server.stop());
  return [...figures, ...(await inFolder((fresh) => loadTimes(fresh, recordings, progress)))];
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
