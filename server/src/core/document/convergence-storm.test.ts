import { describe, expect, it } from "vitest";
import { runStorm } from "./convergence-storm.ts";

/** In parts, so that progress shows. */
const PARTS = [1, 251, 501, 751];
const SEEDS_A_PART = 250;

/** `npm run bench -- converge --count N` plays more. */
describe("fifty people on bad links", () => {
  it.each(PARTS)(
    `[CV1] see the same, to the state vector, once everything is healed: ${SEEDS_A_PART} seeds from %i`,
    { timeout: 120_000 },
    (first) => {
      for (let seed = first; seed < first + SEEDS_A_PART; seed++)
        expect(runStorm({ seed }).failure, `npm run bench -- converge --count 1 --seed ${seed}`).toBeUndefined();
    },
  );
});
