/**
 * `npm run bench -- behaviour`: alarms per person-hour over people who do no harm, and how many injected offenders are caught within ten
 * seconds, with seeds that training never saw, beside the rule everybody writes first: closer than 1.2 m for three seconds.
 */
import { readFileSync } from "node:fs";
import { OFFENCES, readBehaviourModel } from "@copresence/server/behaviour";
import { BENIGN, benignScene, type BenignName, floodCaughtS, FLOOD_SCENES, offenceScene, play } from "@copresence/simulations/behaviour";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";

const SEED = 90_001;
const BENIGN_S = 300;
const OFFENCE_S = 30;
const WITHIN_S = 10;
/** An offence begins when the offender is this near. */
const ONSET_M = 2;
const MODEL = new URL("../../../server/src/pipeline/models/behaviour/model.json", import.meta.url);

/** `count`: offenders of each kind; benign scenes of each kind are a quarter of it. */
export function behaviour({ count = 40, seed = SEED }: SuiteOptions, progress: (line: string) => void): SuiteResult {
  const read = readBehaviourModel(JSON.parse(readFileSync(MODEL, "utf8")));
  if (!read.ok) throw new Error(read.error);
  const model = read.value;
  const figures: Figure[] = [];
  let [hours, alarms, baseline] = [0, 0, 0];
  const repeats = Math.max(1, Math.ceil(count / 4));
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
  figures.unshift(
    { id: "behaviour.alarms_per_hour", value: perHour, unit: "1/h", bar: "<= 1", ok: perHour <= 1 },
    { id: "behaviour.baseline_alarms_per_hour", value: baseline / hours, unit: "1/h", peer: "closer than 1.2 m for 3 s" },
    { id: "behaviour.person_hours", value: hours, unit: "h" },
  );
  let [caught, all, accused] = [0, 0, 0];
  for (const kind of OFFENCES) {
    let own = 0;
    for (let i = 0; i < count; i++) {
      const outcome = offend(kind, seed + i);
      own += outcome.caught ? 1 : 0;
      accused += outcome.victimAccused ? 1 : 0;
    }
    caught += own;
    all += count;
    progress(`  ${kind}: ${own} of ${count} caught`);
    figures.push({ id: `behaviour.recall.${kind}`, value: own / count, unit: "share" });
  }
  for (const kind of FLOOD_SCENES) {
    let own = 0;
    for (let i = 0; i < count; i++) own += floodCaughtS(kind, seed + i) <= WITHIN_S ? 1 : 0;
    caught += own;
    all += count;
    figures.push({ id: `behaviour.recall.${kind}`, value: own / count, unit: "share" });
  }
  figures.push(
    { id: "behaviour.recall", value: caught / all, unit: "share", bar: ">= 0.95", ok: caught / all >= 0.95 },
    { id: "behaviour.victims_accused", value: accused / (count * OFFENCES.length), unit: "share" },
  );
  return { settings: { seed, count, benignS: BENIGN_S, model: `${model.id} ${model.version}` }, figures };

  function offend(kind: (typeof OFFENCES)[number], at: number): { readonly caught: boolean; readonly victimAccused: boolean } {
    const scene = offenceScene(kind, at);
    let onsetS = Number.POSITIVE_INFINITY;
    const [offender, victim] = [scene.agents[scene.offender], scene.agents[scene.victim]];
    const played = play(
      {
        agents: scene.agents,
        step(timeS) {
          scene.step(timeS);
          if (offender !== undefined && victim !== undefined && Math.hypot(offender.x - victim.x, offender.z - victim.z) < ONSET_M)
            onsetS = Math.min(onsetS, timeS);
        },
      },
      OFFENCE_S,
      model,
    );
    return {
      caught: played.alarms.some((alarm) => alarm.slot === scene.offender && alarm.victim === scene.victim && alarm.timeS <= onsetS + WITHIN_S),
      victimAccused: played.alarms.some((alarm) => alarm.slot === scene.victim && alarm.victim === scene.offender),
    };
  }
}
