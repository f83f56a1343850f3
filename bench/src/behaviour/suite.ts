/**
 * `npm run bench -- behaviour`: alarms per person-hour over people who do no harm, how many injected offenders are caught within ten seconds,
 * beside the rule everybody writes first (closer than 1.2 m for three seconds), and what watching costs a room. Training, thresholds and the
 * choice of features used other seeds; the default seeds are for reporting alone.
 */
import { type BehaviourModel, OFFENCES } from "@copresence/server/behaviour";
import { BENIGN, benignScene, type BenignName, floodCaughtS, FLOOD_SCENES, offenceScene, ONSET_M, play } from "@copresence/simulations/behaviour";
import type { Figure } from "../report.ts";
import { behaviourModel } from "../room/as-shipped.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { type CostSettings, roomCost, watchCost } from "./cost.ts";

const SEED = 500_009;
const BENIGN_S = 300;
const OFFENCE_S = 30;
const WITHIN_S = 10;
const TICK_MS = 0.3;
type Progress = (line: string) => void;

export type CostScale = readonly Omit<CostSettings, "seed">[];
export const ROOMS: CostScale = [
  { people: 1000, tickRateHz: 30, warmS: 4, measureS: 5 },
  { people: 500, tickRateHz: 60, warmS: 4, measureS: 5 },
];

/** `count`: offenders of each kind; benign scenes of each kind are a quarter of it. */
export function behaviour({ count = 60, seed = SEED }: SuiteOptions, progress: Progress, rooms: CostScale = ROOMS): SuiteResult {
  const model = behaviourModel();
  const figures = [
    ...harmless(model, Math.max(1, Math.ceil(count / 4)), seed, progress),
    ...offenders(model, count, seed, progress),
    ...costs(model, seed, rooms, progress),
  ];
  return { settings: { seed, count, benignS: BENIGN_S, rooms, model: `${model.id} ${model.version}` }, figures };
}

function harmless(model: BehaviourModel, repeats: number, seed: number, progress: Progress): Figure[] {
  const figures: Figure[] = [];
  let [hours, alarms, baseline] = [0, 0, 0];
  for (const name of Object.keys(BENIGN) as BenignName[]) {
    let [ownHours, own] = [0, 0];
    const kinds = new Map<string, number>();
    for (let i = 0; i < repeats; i++) {
      const played = play(benignScene(name, seed + i), BENIGN_S, model);
      ownHours += played.personHours;
      own += played.alarms.length;
      for (const { kind } of played.alarms) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      baseline += played.baselineAlarms;
    }
    hours += ownHours;
    alarms += own;
    progress(`  ${name}: ${own} alarms in ${ownHours.toFixed(2)} person-hours ${[...kinds].join(" ")}`);
    figures.push({ id: `behaviour.alarms_per_hour.${name}`, value: own / ownHours, unit: "1/h" });
  }
  const perHour = alarms / hours;
  return [
    { id: "behaviour.alarms_per_hour", value: perHour, unit: "1/h", bar: "<= 1", ok: perHour <= 1 },
    { id: "behaviour.baseline_alarms_per_hour", value: baseline / hours, unit: "1/h", peer: "closer than 1.2 m for 3 s" },
    { id: "behaviour.person_hours", value: hours, unit: "h" },
    ...figures,
  ];
}

function offenders(model: BehaviourModel, count: number, seed: number, progress: Progress): Figure[] {
  const shares: number[] = [];
  const figures: Figure[] = [];
  const add = (kind: string, caught: number): void => {
    progress(`  ${kind}: ${caught} of ${count} caught`);
    shares.push(caught / count);
    figures.push({ id: `behaviour.recall.${kind}`, value: caught / count, unit: "share" });
  };
  let accused = 0;
  for (const kind of OFFENCES) {
    let own = 0;
    for (let i = 0; i < count; i++) {
      const outcome = offend(model, kind, seed + i);
      own += outcome.caught ? 1 : 0;
      accused += outcome.victimAccused ? 1 : 0;
    }
    add(kind, own);
  }
  for (const kind of FLOOD_SCENES) {
    let own = 0;
    for (let i = 0; i < count; i++) own += floodCaughtS(kind, seed + i) <= WITHIN_S ? 1 : 0;
    add(kind, own);
  }
  const [all, least] = [shares.reduce((sum, share) => sum + share, 0) / shares.length, Math.min(...shares)];
  return [
    { id: "behaviour.recall", value: all, unit: "share", bar: ">= 0.95", ok: all >= 0.95 },
    { id: "behaviour.recall_least", value: least, unit: "share", bar: ">= 0.95", ok: least >= 0.95 },
    ...figures,
    { id: "behaviour.victims_accused", value: accused / (count * OFFENCES.length), unit: "share" },
  ];
}

function offend(model: BehaviourModel, kind: (typeof OFFENCES)[number], seed: number): { readonly caught: boolean; readonly victimAccused: boolean } {
  const scene = offenceScene(kind, seed);
  let onsetS = Number.POSITIVE_INFINITY;
  const [offender, victim] = [scene.agents[scene.offender], scene.agents[scene.victim]];
  const step = (timeS: number): void => {
    scene.step(timeS);
    if (offender !== undefined && victim !== undefined && Math.hypot(offender.x - victim.x, offender.z - victim.z) < ONSET_M)
      onsetS = Math.min(onsetS, timeS);
  };
  const { alarms } = play({ agents: scene.agents, step }, OFFENCE_S, model);
  const names = (slot: number, whom: number) => alarms.filter((alarm) => alarm.slot === slot && alarm.victim === whom);
  return {
    caught: names(scene.offender, scene.victim).some(({ timeS }) => timeS <= onsetS + WITHIN_S),
    victimAccused: names(scene.victim, scene.offender).length > 0,
  };
}

function costs(model: BehaviourModel, seed: number, rooms: CostScale, progress: Progress): Figure[] {
  return rooms.flatMap((room): Figure[] => {
    const settings = { ...room, seed };
    const [watch, whole] = [watchCost(settings, model), roomCost(settings, model)];
    const id = `behaviour.${room.people}x${room.tickRateHz}`;
    progress(`  ${id}: ${watch.meanMs.toFixed(3)} ms a tick; a room ${whole.plainMs.toFixed(2)} ms without, ${whole.watchedMs.toFixed(2)} ms with`);
    return [
      { id: `${id}.tick_ms`, value: watch.meanMs, unit: "ms", bar: `<= ${TICK_MS}`, ok: watch.meanMs <= TICK_MS },
      { id: `${id}.tick_p99_ms`, value: watch.p99Ms, unit: "ms" },
      { id: `${id}.tick_bytes`, value: watch.bytesPerTick, unit: "B" },
      { id: `${id}.room_plain_ms`, value: whole.plainMs, unit: "ms" },
      { id: `${id}.room_watched_ms`, value: whole.watchedMs, unit: "ms" },
      { id: `${id}.room_plain_p99_ms`, value: whole.plainP99Ms, unit: "ms" },
      { id: `${id}.room_watched_p99_ms`, value: whole.watchedP99Ms, unit: "ms" },
    ];
  });
}
