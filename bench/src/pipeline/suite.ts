/** `npm run bench -- pipeline [--only PART,...] [--count ROUNDS]`: latency, memory, isolation and losses of the side pipeline. bench/README.md explains the figures. */
import { startRedis } from "@copresence/server/pipeline/redis-process";
import { WorkerPool } from "@copresence/server/pipeline/worker-pool";
import { type Part, runParts } from "../parts.ts";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { chatLatency, type ChatSettings } from "./chat.ts";
import { countOf, interval, isolation, type IsolationSettings, medianRatio, pooled, ratio, TROUBLES } from "./isolation.ts";
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
  isolation: { troubles: TROUBLES, rooms: 3, people: 40, rounds: 8, troubleMs: 4000, idleMs: 2000, settleMs: 300 },
  kills: { seconds: 120, everyMs: 2000, perSecond: 200, objects: 2000, workers: 2, stallEveryMs: 7000 },
};

const CHAT_BAR_MS = 50;
const MEMORY_BAR_MB = 300;
const TICK_BAR = 1.05;
const P99 = { what: "took", share: 0.99 } as const;

type Progress = (line: string) => void;

export const PIPELINE_PARTS = ["chat", "memory", "kills", "isolation"] as const;

export async function pipelineBench(options: SuiteOptions, progress: Progress, scale: Scale = FULL): Promise<SuiteResult> {
  const isolated = { ...scale.isolation, rounds: options.count ?? scale.isolation.rounds };
  const parts: Readonly<Record<(typeof PIPELINE_PARTS)[number], Omit<Part, "name">>> = {
    chat: { settings: { over: scale.over, chat: scale.chat }, run: () => chatFigures(scale, progress) },
    memory: { settings: { memory: scale.memory }, run: () => memoryFigures(scale.memory, progress) },
    kills: { settings: { kills: scale.kills }, run: () => allKillFigures(scale.kills, progress) },
    isolation: { settings: { isolation: isolated }, run: () => isolationFigures(isolated, progress) },
  };
  return runParts(
    PIPELINE_PARTS.map((name) => ({ name, ...parts[name] })),
    options,
    progress,
  );
}

async function chatFigures({ over: all, chat: settings }: Scale, progress: Progress): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const over of all) {
    progress(`chat, workers over ${over}`);
    const { p50, p99, count, missing, degraded, perSecond } =
      over === "redis" ? await overRedis(settings) : await chatLatency({ kind: over }, settings);
    const prefix = over === "process" ? "chat" : `${over}_chat`;
    figures.push(
      { id: `pipeline.${prefix}_ms_p99`, value: p99, unit: "ms", bar: `< ${CHAT_BAR_MS}`, ok: p99 < CHAT_BAR_MS && missing === 0 },
      { id: `pipeline.${prefix}_ms_p50`, value: p50, unit: "ms" },
      { id: `pipeline.${prefix}_lines`, value: count, unit: "lines" },
      { id: `pipeline.${prefix}_missing`, value: missing, unit: "lines" },
      { id: `pipeline.${prefix}_per_second`, value: perSecond, unit: "lines/s" },
      { id: `pipeline.${prefix}_degraded`, value: degraded, unit: "lines" },
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
    { id: "pipeline.worker_mb", value: residentMb, unit: "MB", bar: `<= ${MEMORY_BAR_MB}`, ok: residentMb <= MEMORY_BAR_MB },
    { id: "pipeline.worker_peak_mb", value: peakMb, unit: "MB" },
    { id: "pipeline.worker_empty_mb", value: emptyMb, unit: "MB" },
    { id: "pipeline.worker_nursery_mb", value: nurseryMb, unit: "MB" },
  ];
}

/** Losses are counted, not timed: both at once is the harder test, and half as long. */
async function allKillFigures(settings: KillSettings, progress: Progress): Promise<Figure[]> {
  return (await Promise.all([killFigures("redis", settings, progress), killFigures("process", settings, progress)])).flat();
}

async function killFigures(over: "redis" | "process", settings: KillSettings, progress: Progress): Promise<Figure[]> {
  progress(`kills, workers over ${over}, ${settings.seconds} s`);
  const { lost, duplicates, kills: count, texts, changes, recoveryMs, health } = await kept(() => kills(over, settings));
  const prefix = over === "redis" ? "" : "process_";
  return [
    { id: `pipeline.${prefix}lost`, value: lost, unit: "events", bar: "= 0", ok: lost === 0 && health.dropped === 0 && health.dead === 0 },
    { id: `pipeline.${prefix}duplicates`, value: duplicates, unit: "answers and entries", bar: "= 0", ok: duplicates === 0 },
    { id: `pipeline.${prefix}kills`, value: count, unit: "workers" },
    { id: `pipeline.${prefix}events`, value: texts + changes, unit: "events" },
    { id: `pipeline.${prefix}resent`, value: health.resent, unit: "events" },
    { id: `pipeline.${prefix}recovery_ms`, value: recoveryMs, unit: "ms" },
  ];
}

async function isolationFigures(settings: IsolationSettings, progress: Progress): Promise<Figure[]> {
  const result = await isolation(settings, progress);
  const worst = Math.max(...settings.troubles.map((trouble) => ratio(result, trouble, P99)));
  const idle = result.get("idle") ?? [];
  const figures: Figure[] = [
    {
      id: "pipeline.tick_p99_ratio",
      value: worst,
      unit: "x",
      bar: `<= ${TICK_BAR}`,
      ok: worst <= TICK_BAR,
      peer: "the same rooms with an idle pipeline",
    },
    { id: "pipeline.tick_idle_p99", value: pooled(idle, P99), unit: "ms" },
    { id: "pipeline.tick_idle_ticks", value: countOf(idle), unit: "ticks" },
  ];
  for (const state of ["control", ...settings.troubles] as const) {
    const stretches = result.get(state) ?? [];
    const [low, high] = interval(result, state, P99);
    const mine = (id: string, figure: number, unit: string): Figure => ({ id: `pipeline.tick_${state}_${id}`, value: figure, unit });
    figures.push(
      mine("p99_ratio", ratio(result, state, P99), "x"),
      mine("p99_ratio_low", low, "x"),
      mine("p99_ratio_high", high, "x"),
      mine("p99_ratio_median", medianRatio(result, state, P99), "x"),
      mine("p50_ratio", ratio(result, state, { what: "took", share: 0.5 }), "x"),
      mine("end_p99_ratio", ratio(result, state, { what: "end", share: 0.99 }), "x"),
      mine("p99", pooled(stretches, P99), "ms"),
      mine("ticks", countOf(stretches), "ticks"),
    );
  }
  return figures;
}
