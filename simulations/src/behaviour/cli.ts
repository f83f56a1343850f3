/**
 * `node simulations/src/behaviour/cli.ts --seed N --scenes N`: what the behaviour model is trained from, on stdout: a line of JSON that names the
 * columns, then rows of 32-bit floats. `kind` is an index into [...OFFENCES, "benign"]; `label` is 1 only for what the offender does to the
 * victim; `pair` tells ordered pairs of one scene apart; `onset` is the second in which the offender came near.
 */
import { parseArgs } from "node:util";
import { type BehaviourModel, OFFENCES, PAIR_FEATURES } from "@copresence/server/behaviour";
import { benignScene, offenceScene, ONSET_M, play } from "./play.ts";
import { BENIGN, type BenignName } from "./scenes.ts";

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" }, scenes: { type: "string", default: "20" } } });
const [seed, scenes] = [Number(values.seed), Number(values.scenes)];
/** Never alarms. */
const silent = { base: -1, drift: 0, limit: 1, trees: [] };
const mute: BehaviourModel = {
  id: "none",
  version: "0",
  features: PAIR_FEATURES,
  kinds: { following: silent, blocking: silent, bubble: silent, gestures: silent },
};
const BENIGN_S = 180;
const OFFENCE_S = 25;
const OFFENDERS_PER_SCENE = 30;

const META = ["kind", "label", "scene", "people", "pair", "second", "onset"] as const;
const COLUMNS = [...META, ...PAIR_FEATURES];
let page = new Float32Array(4096 * COLUMNS.length);
let filled = 0;
let scene = 0;

process.stdout.write(`${JSON.stringify(COLUMNS)}\n`);
for (let i = 0; i < scenes; i++) {
  for (const name of Object.keys(BENIGN) as BenignName[]) benign(name, seed * 1_000_003 + i);
  for (const kind of OFFENCES)
    for (let repeat = 0; repeat < OFFENDERS_PER_SCENE; repeat++) offence(kind, seed * 1_000_003 + i * OFFENDERS_PER_SCENE + repeat);
}
flush();

function benign(name: BenignName, of: number): void {
  scene++;
  const { agents, step } = benignScene(name, of);
  play({ agents, step }, BENIGN_S, mute, (watch, timeS) => {
    for (let a = 0; a < agents.length; a++)
      for (let b = 0; b < agents.length; b++) {
        const features = watch.featuresOf(a, b);
        if (features !== undefined) row([OFFENCES.length, 0, scene, agents.length, a * agents.length + b, timeS, 0], features);
      }
  });
}

function offence(kind: (typeof OFFENCES)[number], of: number): void {
  scene++;
  const { agents: all, step, offender, victim } = offenceScene(kind, of);
  // Nobody but these two is learnt from here, and nobody else acts on them.
  const agents = all.slice(0, 2);
  let onsetS = 0;
  play({ agents, step }, OFFENCE_S, mute, (watch, timeS) => {
    const [one, other] = [agents[offender], agents[victim]];
    if (onsetS === 0 && one !== undefined && other !== undefined && Math.hypot(one.x - other.x, one.z - other.z) < ONSET_M) onsetS = timeS;
    for (const [label, a, b] of [
      [1, offender, victim],
      [0, victim, offender],
    ] as const) {
      const features = watch.featuresOf(a, b);
      if (features !== undefined) row([OFFENCES.indexOf(kind), label, scene, agents.length, a * agents.length + b, timeS, onsetS], features);
    }
  });
}

function row(meta: readonly number[], features: Float32Array): void {
  page.set(meta, filled);
  page.set(features, filled + META.length);
  filled += COLUMNS.length;
  if (filled === page.length) flush();
}

function flush(): void {
  process.stdout.write(new Uint8Array(page.buffer, 0, filled * 4));
  page = new Float32Array(page.length);
  filled = 0;
}
