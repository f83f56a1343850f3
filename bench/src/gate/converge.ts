/**
 * `npm run bench -- converge [--count SEEDS] [--seed FIRST]`: stories of fifty people on bad links (server/src/core/document/convergence-storm.ts),
 * 1 000 by default. A failure prints its seed.
 */
import { runStorm } from "@copresence/server/hostile";
import type { Suite } from "../suite.ts";

const SEEDS = 1000;
const PEOPLE = 50;

export const converge: Suite["run"] = ({ count = SEEDS, seed: first = 1 }, progress) => {
  let failures = 0;
  let edits = 0;
  let denied = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = storm(seed);
    edits += result.edits;
    denied += result.denied;
    if (result.failure !== undefined && ++failures <= 10)
      progress(`seed ${seed}: ${result.failure.slice(0, 300)} (npm run bench -- converge --count 1 --seed ${seed})`);
    if ((seed - first + 1) % 100 === 0) progress(`${seed - first + 1} of ${count} seeds, ${failures} failed`);
  }
  return {
    settings: { people: PEOPLE, first, seeds: count },
    figures: [
      { id: "converge.failures", value: failures, unit: "seeds", bar: "0", ok: failures === 0 },
      { id: "converge.seeds", value: count, unit: "seeds" },
      { id: "converge.edits", value: edits, unit: "records made durable" },
      { id: "converge.denied", value: denied, unit: "refusals told" },
    ],
  };
};

/** A story that breaks off has failed like one that ends badly. */
function storm(seed: number): ReturnType<typeof runStorm> {
  try {
    return runStorm({ seed, people: PEOPLE });
  } catch (error) {
    return { failure: String(error), edits: 0, denied: 0 };
  }
}
