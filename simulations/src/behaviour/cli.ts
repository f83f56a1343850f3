/**
 * `node simulations/src/behaviour/cli.ts --seed N --scenes N`: what the behaviour model is trained from, as CSV: kind, label, scene, features.
 * `kind` is an offence, or `benign`; label 1 only for what the offender does to the victim.
 */
import { parseArgs } from "node:util";
import { type BehaviourModel, OFFENCES, PAIR_FEATURES } from "@copresence/server/behaviour";
import { benignScene, offenceScene, play } from "./play.ts";
import { BENIGN, type BenignName } from "./scenes.ts";

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" }, scenes: { type: "string", default: "20" } } });
const [seed, scenes] = [Number(values.seed), Number(values.scenes)];
/** Never alarms. */
const silent = { base: -1, threshold: 0, trees: [] };
const mute: BehaviourModel = {
  id: "none",
  version: "0",
  features: PAIR_FEATURES,
  kinds: { following: silent, blocking: silent, bubble: silent, gestures: silent },
};
const BENIGN_S = 180;
const OFFENCE_S = 25;
/** The first seconds tell nothing yet. */
const WARM_S = 3;

console.log(["kind", "label", "scene", ...PAIR_FEATURES].join());
let scene = 0;
const row = (kind: string, label: number, features: Float32Array): void =>
  console.log([kind, label, scene, ...Array.from(features, (value) => value.toFixed(3))].join());

for (let i = 0; i < scenes; i++) {
  for (const name of Object.keys(BENIGN) as BenignName[]) {
    scene++;
    const { agents, step } = benignScene(name, seed * 1_000_003 + i);
    play({ agents, step }, BENIGN_S, mute, (watch, timeS) => {
      if (timeS < WARM_S) return;
      for (let a = 0; a < agents.length; a++)
        for (let b = 0; b < agents.length; b++) {
          const features = watch.featuresOf(a, b);
          if (features !== undefined && (a * 7 + b + Math.floor(timeS)) % 2 === 0) row("benign", 0, features);
        }
    });
  }
  for (const kind of OFFENCES) {
    for (let repeat = 0; repeat < 5; repeat++) {
      scene++;
      const { agents, step, offender, victim } = offenceScene(kind, seed * 1_000_003 + i * 5 + repeat);
      let nearS = 0;
      play({ agents, step }, OFFENCE_S, mute, (watch) => {
        const features = watch.featuresOf(offender, victim);
        if (features !== undefined && ++nearS > WARM_S) row(kind, 1, features);
        const back = watch.featuresOf(victim, offender);
        if (back !== undefined) row(kind, 0, back);
      });
    }
  }
}
