/**
 * `npm run bench -- playout`: recorded hands, sent the way the SDK and the room send them over shaped and recorded links, as playout shows
 * them and as fixed 100 ms interpolation does on exactly the same arrivals. bench/README.md explains the figures.
 */
import { existsSync } from "node:fs";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { Dump } from "./dump.ts";
import { clockErrors, type Measured, measure } from "./measure.ts";
import { cut, loadMotions, type Motion } from "./motion.ts";
import { networksIn } from "./network-files.ts";
import { type Network, PROFILES } from "./networks.ts";
import { quantile } from "./score.ts";
import type { Rates } from "./simulate.ts";

const TRACES = "../shared/data/motion/train";
const NETWORK = "../shared/data/network";
/** A room nobody configured, which asks for one pose message a tick, and a usual headset. The bars are judged here. */
const DEFAULT_RATES: Rates = { tickRateHz: 60, uplinkHz: 60, displayHz: 90 };
/** Ratios are reported at these too. */
const OTHER_RATES: readonly (readonly [name: string, rates: Rates])[] = [
  ["tick30", { tickRateHz: 30, uplinkHz: 30, displayHz: 90 }],
  ["uplink30", { tickRateHz: 60, uplinkHz: 30, displayHz: 90 }],
];
const RATIO_BARS: Readonly<Record<string, number>> = { fibre: 2.7, wifi: 2, "4g-datagram": 1.5, "4g-tcp": 1.3 };
/** Everywhere else playout must not be worse. */
const LEAST_RATIO = 1;
const ACCELERATION_BAR = 1.5;
const CLOCK_BAR_MS = 2;
const PEER = "fixed 100 ms interpolation";

export type Scale = {
  readonly seed: number;
  readonly passes: number;
  readonly joins: number;
  /** Longest part of each motion that is played. */
  readonly motionMs: number;
};
export const FULL: Scale = { seed: 1, passes: 2, joins: 300, motionMs: Number.POSITIVE_INFINITY };

export function playout(options: SuiteOptions, progress: (line: string) => void, scale: Scale = FULL): SuiteResult {
  const { traces = TRACES, network = NETWORK, dump } = options;
  const motions = loadMotions(traces);
  const recorded = existsSync(network) ? networksIn(network, progress) : [];
  if (motions.synthetic) progress(`NO RECORDINGS in ${traces}: synthetic people move instead, and no bar is judged.`);
  if (motions.tooShort.length > 0) progress(`LEFT OUT, under three seconds: ${motions.tooShort.join(", ")}`);
  if (recorded.length === 0) progress(`NO RECORDED NETWORKS in ${network}: profiles only.`);
  const to = dump === undefined ? undefined : new Dump(dump);
  const people = motions.people.map((motion) => cut(motion, scale.motionMs));
  const beatSaber = motions.beatSaber.map((motion) => cut(motion, scale.motionMs));
  const figures: Figure[] = [];
  for (const network of [...PROFILES, ...recorded]) {
    progress(`${network.id}${network.recorded ? " (recorded)" : ""}`);
    figures.push(...ofNetwork({ network, people, beatSaber, scale, dump: to, judged: !motions.synthetic }));
  }
  figures.push(clockFigure(scale));
  const settings = {
    ...DEFAULT_RATES,
    ...scale,
    // JSON has no infinity.
    motionMs: Number.isFinite(scale.motionMs) ? scale.motionMs : null,
    motion: motions.synthetic ? "synthetic" : "recorded",
    recordings: people.map(({ id }) => id),
    heldOut: people.filter(({ heldOut }) => heldOut).map(({ id }) => id),
    beatSaber: beatSaber.map(({ id }) => id),
    networks: [...PROFILES, ...recorded].map(({ id }) => id),
  };
  return { settings, figures };
}

type Part = {
  readonly network: Network;
  readonly people: readonly Motion[];
  readonly beatSaber: readonly Motion[];
  readonly scale: Scale;
  readonly dump: Dump | undefined;
  /** Whether bars apply. */
  readonly judged: boolean;
};

function ofNetwork({ network, people, beatSaber, scale, dump, judged }: Part): Figure[] {
  const { seed, passes } = scale;
  const play = (motions: readonly Motion[], rates: Rates, to?: Dump): Measured => measure({ network, motions, rates, seed, passes, dump: to });
  const id = (name: string): string => `playout.${network.id}.${name}`;
  const all = play(people, DEFAULT_RATES, dump);
  const bar = RATIO_BARS[network.id] ?? LEAST_RATIO;
  const accelerationBar = Math.max(ACCELERATION_BAR, all.fixed.acceleration);
  const figures: Figure[] = [
    { id: id("ratio"), value: ratio(all), unit: "x", peer: PEER, ...(judged ? { bar: `>= ${bar}`, ok: ratio(all) >= bar } : {}) },
    {
      id: id("acceleration_ratio"),
      value: all.ours.acceleration,
      unit: "x",
      peer: "true motion",
      ...(judged ? { bar: `<= ${accelerationBar.toFixed(2)}`, ok: all.ours.acceleration <= accelerationBar } : {}),
    },
    { id: id("fixed_acceleration_ratio"), value: all.fixed.acceleration, unit: "x", peer: "true motion" },
    { id: id("hand_mm_p50"), value: all.ours.p50Mm, unit: "mm" },
    { id: id("hand_mm_p95"), value: all.ours.p95Mm, unit: "mm" },
    { id: id("hand_mm_p99"), value: all.ours.p99Mm, unit: "mm" },
    { id: id("fixed_hand_mm_p50"), value: all.fixed.p50Mm, unit: "mm" },
    { id: id("fixed_hand_mm_p95"), value: all.fixed.p95Mm, unit: "mm" },
    { id: id("fixed_hand_mm_p99"), value: all.fixed.p99Mm, unit: "mm" },
    { id: id("hand_turn_deg_p95"), value: all.ours.turnP95Deg, unit: "deg" },
    { id: id("fixed_hand_turn_deg_p95"), value: all.fixed.turnP95Deg, unit: "deg" },
    { id: id("head_mm_p95"), value: all.ours.headP95Mm, unit: "mm" },
    { id: id("fixed_head_mm_p95"), value: all.fixed.headP95Mm, unit: "mm" },
    { id: id("ratio_to_arrival"), value: all.arrival.p95Mm / all.ours.p95Mm, unit: "x", peer: `${PEER} behind arrival` },
    { id: id("ratio_to_clock"), value: all.clock.p95Mm / all.ours.p95Mm, unit: "x", peer: `${PEER} behind a synchronised clock` },
    { id: id("n"), value: all.ours.n, unit: "hand positions" },
  ];
  const heldOut = people.filter((motion) => motion.heldOut);
  if (heldOut.length < people.length) figures.push({ id: id("ratio_held_out"), value: ratio(play(heldOut, DEFAULT_RATES)), unit: "x", peer: PEER });
  for (const [name, rates] of OTHER_RATES) figures.push({ id: id(`ratio_${name}`), value: ratio(play(people, rates)), unit: "x", peer: PEER });
  if (beatSaber.length > 0 && !network.recorded) figures.push(...ofBeatSaber(id, play(beatSaber, DEFAULT_RATES)));
  return figures;
}

/** Hands to 10 m/s, reported apart and without bars. */
function ofBeatSaber(id: (name: string) => string, measured: Measured): Figure[] {
  return [
    { id: id("beatsaber_ratio"), value: ratio(measured), unit: "x", peer: PEER },
    { id: id("beatsaber_hand_mm_p95"), value: measured.ours.p95Mm, unit: "mm" },
    { id: id("beatsaber_acceleration_ratio"), value: measured.ours.acceleration, unit: "x", peer: "true motion" },
  ];
}

const ratio = ({ ours, fixed }: Measured): number => fixed.p95Mm / ours.p95Mm;

function clockFigure({ seed, joins }: Scale): Figure {
  const wifi = PROFILES.find(({ id }) => id === "wifi") as Network;
  const value = quantile(clockErrors(wifi, seed, joins), 0.95);
  return { id: "playout.clock_ms_p95", value, unit: "ms", bar: `<= ${CLOCK_BAR_MS}`, ok: value <= CLOCK_BAR_MS };
}
