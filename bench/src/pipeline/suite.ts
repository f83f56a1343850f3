/** `npm run bench -- pipeline`: latency, memory, isolation and losses of the side pipeline. bench/README.md explains the figures. */
import { startRedis } from "@copresence/server/pipeline/redis-process";
import { WorkerPool } from "@copresence/server/pipeline/worker-pool";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { chatLatency, type ChatSettings } from "./chat.ts";
import { isolation, type IsolationSettings, pooled, spread, type Ticks, TROUBLES } from "./isolation.ts";
import { kills, type KillSettings } from "./kills.ts";
import { kept } from "./timing.ts";
import { type MemorySettings, workerMemory } from "./memory.ts";

type Over = "process" | "thread" | "redis";
export type Scale = {
  /** Whose chat latency is measured. */
  readonly over: readonly Over[];
  readonly chat: ChatSettings;
  readonly memory: MemorySettings;
  readonly isolation: IsolationSettings;
  readonly kills: KillSettings;
};
export const FULL: Scale = {
  over: ["process", "thread", "redis"],
  chat: { rooms: 10, people: 12, linesPerSecond: 200, warmMs: 2000, measureMs: 10_000 },
  memory: { objects: 10_000, texts: 2000 },
  isolation: { troubles: TROUBLES, people: 40, rounds: 6, troubleMs: 4000, idleMs: 2000, settleMs: 300 },
  kills: { seconds: 120, everyMs: 2000, perSecond: 200, objects: 2000, workers: 2, stallEveryMs: 7000 },
};

const CHAT_BAR_MS = 50;
const MEMORY_BAR_MB = 300;
const TICK_BAR = 1.05;

type Progress = (line: string) => void;

export async function pipelineBench(_: SuiteOptions, progress: Progress, scale: Scale = FULL): Promise<SuiteResult> {
  const figures = [
    ...(await chatFigures(scale, progress)),
    ...(await memoryFigures(scale.memory, progress)),
    // Losses are counted, not timed: both at once is the harder test, and half as long.
    ...(await Promise.all([killFigures("redis", scale.kills, progress), killFigures("process", scale.kills, progress)])).flat(),
    ...(await isolationFigures(scale.isolation, progress)),
  ];
  return { settings: scale, figures: figures.map((figure) => ({ ...figure, id: `pipeline.${figure.id}` })) };
}

async function chatFigures({ over: all, chat: settings }: Scale, progress: Progress): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const over of all) {
    progress(`chat, workers over ${over}`);
    const { p50, p99, count, missing, degraded, perSecond } =
      over === "redis" ? await overRedis(settings) : await chatLatency({ kind: over }, settings);
    const prefix = over === "process" ? "chat" : `${over}_chat`;
    figures.push(
      { id: `${prefix}_ms_p99`, value: p99, unit: "ms", bar: `< ${CHAT_BAR_MS}`, ok: p99 < CHAT_BAR_MS && missing === 0 },
      { id: `${prefix}_ms_p50`, value: p50, unit: "ms" },
      { id: `${prefix}_lines`, value: count, unit: "lines" },
      { id: `${prefix}_missing`, value: missing, unit: "lines" },
      { id: `${prefix}_per_second`, value: perSecond, unit: "lines/s" },
      { id: `${prefix}_degraded`, value: degraded, unit: "lines" },
    );
  }
  return figures;
}

async function overRedis(settings: ChatSettings) {
  const redis = await startRedis();
  const where = { url: redis.url, namespace: "bench" };
  const pool = new WorkerPool({ ...where, workers: 1, onLog: () => undefined });
  try {
    return await chatLatency({ kind: "redis", ...where }, settings);
  } finally {
    await pool.stop();
    await redis.close();
  }
}

async function memoryFigures(settings: MemorySettings, progress: Progress): Promise<Figure[]> {
  progress(`memory, ${settings.objects} objects`);
  const { residentMb, peakMb, emptyMb, nurseryMb } = await kept(() => workerMemory(settings));
  return [
    { id: "worker_mb", value: residentMb, unit: "MB", bar: `<= ${MEMORY_BAR_MB}`, ok: residentMb <= MEMORY_BAR_MB },
    { id: "worker_peak_mb", value: peakMb, unit: "MB" },
    { id: "worker_empty_mb", value: emptyMb, unit: "MB" },
    { id: "worker_nursery_mb", value: nurseryMb, unit: "MB" },
  ];
}

async function killFigures(over: "redis" | "process", settings: KillSettings, progress: Progress): Promise<Figure[]> {
  progress(`kills, workers over ${over}, ${settings.seconds} s`);
  const { lost, duplicates, kills: count, texts, changes, recoveryMs, health } = await kept(() => kills(over, settings));
  const prefix = over === "redis" ? "" : "process_";
  return [
    { id: `${prefix}lost`, value: lost, unit: "events", bar: "= 0", ok: lost === 0 && health.dropped === 0 && health.dead === 0 },
    { id: `${prefix}duplicates`, value: duplicates, unit: "answers and entries", bar: "= 0", ok: duplicates === 0 },
    { id: `${prefix}kills`, value: count, unit: "workers" },
    { id: `${prefix}events`, value: texts + changes, unit: "events" },
    { id: `${prefix}resent`, value: health.resent, unit: "events" },
    { id: `${prefix}recovery_ms`, value: recoveryMs, unit: "ms" },
  ];
}

async function isolationFigures(settings: IsolationSettings, progress: Progress): Promise<Figure[]> {
  const { idle, troubled } = await isolation(settings, progress);
  const idleP99 = pooled(idle, "took", 0.99);
  const worst = Math.max(...[...troubled.values()].map((stretches) => pooled(stretches, "took", 0.99) / idleP99));
  const figures: Figure[] = [
    { id: "tick_p99_ratio", value: worst, unit: "x", bar: `<= ${TICK_BAR}`, ok: worst <= TICK_BAR, peer: "the same room with an idle pipeline" },
    { id: "tick_idle_p99_spread", value: spread(idle), unit: "x, even idle stretches against odd ones" },
    { id: "tick_idle_p99", value: idleP99, unit: "ms" },
    { id: "tick_idle_ticks", value: countOf(idle), unit: "ticks" },
  ];
  for (const [trouble, stretches] of troubled) {
    const ratio = (what: keyof Ticks, share: number): number => pooled(stretches, what, share) / pooled(idle, what, share);
    figures.push(
      { id: `tick_${trouble}_p99_ratio`, value: ratio("took", 0.99), unit: "x" },
      { id: `tick_${trouble}_p50_ratio`, value: ratio("took", 0.5), unit: "x" },
      { id: `tick_${trouble}_end_p99_ratio`, value: ratio("end", 0.99), unit: "x" },
      { id: `tick_${trouble}_p99`, value: pooled(stretches, "took", 0.99), unit: "ms" },
      { id: `tick_${trouble}_ticks`, value: countOf(stretches), unit: "ticks" },
    );
  }
  return figures;
}

const countOf = (stretches: readonly Ticks[]): number => stretches.reduce((sum, { took }) => sum + took.length, 0);
