/**
 * `npm run bench -- room [--traces DIR]`: what a room of hundreds costs, in memory and over sockets, beside its peers.
 * `npm run bench -- footprint`: the memory of a thousand connected users, watched for ten minutes.
 * bench/README.md explains the figures.
 */
import { resolve } from "node:path";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { canPin } from "./child.ts";
import { type FootprintScale, footprintFigures } from "./footprint-figures.ts";
import { memoryFigures, type MemoryScale } from "./memory-figures.ts";
import { socketFigures, type SocketScale } from "./socket-figures.ts";

export type RoomScale = {
  readonly seed: number;
  readonly memory: MemoryScale;
  readonly sockets: SocketScale;
  readonly footprint: FootprintScale;
};

const MINUTE_MS = 60_000;

export const FULL: RoomScale = {
  seed: 1,
  memory: {
    rooms: [
      { people: 1000, tickRateHz: 30 },
      { people: 500, tickRateHz: 60 },
    ],
    runs: 5,
    warmS: 4,
    measureS: 8,
    watchers: 8,
    allocation: { people: 1000, tickRateHz: 30, ticks: 200 },
  },
  sockets: {
    people: 500,
    tickRateHz: 30,
    rounds: 3,
    warmMs: 3000,
    measureMs: 6000,
    transport: "ws",
    peerFrom: 16,
    peerGrowth: 1.6,
    peerMost: 500,
    peerMeasureMs: 2500,
    viewPeople: 32,
    jsonHz: 15,
  },
  footprint: { people: 1000, tickRateHz: 30, uplinkHz: 10, settleMs: 8000, watchMs: 20_000, looks: 5 },
};

const LONG: FootprintScale = { ...FULL.footprint, settleMs: MINUTE_MS, watchMs: 10 * MINUTE_MS, looks: 20 };

export async function footprint(options: SuiteOptions, progress: (line: string) => void, scale = LONG): Promise<SuiteResult> {
  const traces = options.traces === undefined ? undefined : resolve(options.traces);
  return { settings: { ...scale }, figures: await footprintFigures(scale, { seed: FULL.seed, traces, progress }) };
}

export async function room(options: SuiteOptions, progress: (line: string) => void, scale = FULL): Promise<SuiteResult> {
  const { seed, memory, sockets, footprint: watched } = scale;
  const traces = options.traces === undefined ? undefined : resolve(options.traces);
  const context = { seed, traces, progress };
  if (!canPin()) progress("NO CORE PER PROCESS (taskset or a second core is missing): server and driver disturb each other.");
  const figures = [
    ...(await memoryFigures(memory, context)),
    ...(await socketFigures(sockets, context)),
    ...(await footprintFigures(watched, context)),
  ];
  const motion = traces === undefined ? "synthetic" : "recorded";
  return { settings: { seed, motion, pinned: canPin(), memory, sockets, footprint: watched }, figures };
}
