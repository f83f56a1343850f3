import { describe, expect, it } from "vitest";
import { BUGS, type Bug } from "./bugs.ts";
import { runSeed } from "./run-seed.ts";
import { runSeeds } from "./run-seeds.ts";
import { type ScenarioName, SCENARIOS } from "./scenarios.ts";

const again = (scenario: ScenarioName, seed: number): string => `npm run sim -- --scenario ${scenario} --seed ${seed}`;

/** Enough to notice a broken rule; `npm run sim -- --seeds 1000` is the real hunt. */
const COUNTS: Readonly<Record<ScenarioName, number>> = { cursory: 40, storm: 3, races: 15 };

describe("a world in a box", { timeout: 90_000 }, () => {
  it("[WO1] gives the same trace for the same seed, and another for another", async () => {
    const first = await runSeed("cursory", 7, "none");
    const second = await runSeed("cursory", 7, "none");
    const other = await runSeed("cursory", 8, "none");
    expect(second).toEqual(first);
    expect(other.trace).not.toBe(first.trace);
  });

  it.each(Object.keys(SCENARIOS) as ScenarioName[])("[CK1-5] %s: every rule holds", async (scenario) => {
    const results = await runSeeds({ scenario, bug: "none", first: 1, count: COUNTS[scenario] });
    for (const { seed, violations } of results) expect(violations, again(scenario, seed)).toEqual([]);
    // A checker that looked at nothing has proven nothing.
    expect(results.reduce((sum, { display }) => sum + display.n, 0)).toBeGreaterThan(1000);
  });

  const planted = (Object.keys(BUGS) as Bug[]).filter((bug) => bug !== "none");
  it.each(planted)("the planted bug %s is found", async (bug) => {
    const results = await runSeeds({ scenario: "cursory", bug, first: 1, count: 20 });
    const found = results.flatMap(({ violations }) => violations);
    const checker = /\(([^,)]+)/.exec(BUGS[bug])?.[1] ?? "";
    expect(
      found.some((sentence) => sentence.startsWith(checker)),
      `${checker} in ${found.slice(0, 3).join("; ")}`,
    ).toBe(true);
  });
});
