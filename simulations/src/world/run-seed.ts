/** One seed of one scenario, start to verdict. */
import type { Bug } from "./bugs.ts";
import type { DisplayError } from "./checkers.ts";
import { SCENARIOS, SIM_SCENE, type ScenarioName } from "./scenarios.ts";
import { World } from "./world.ts";

export type SeedResult = {
  readonly seed: number;
  /** 64-bit hex: two runs of the seed agree on it. */
  readonly trace: string;
  /** Sentences; empty when everything held. */
  readonly violations: readonly string[];
  /** Virtual time it took. */
  readonly virtualMs: number;
  readonly display: DisplayError;
};

const TICK_RATE_HZ = 30;

export async function runSeed(scenario: ScenarioName, seed: number, bug: Bug): Promise<SeedResult> {
  const { display, run } = SCENARIOS[scenario];
  const world = new World({ seed, scene: SIM_SCENE, tickRateHz: TICK_RATE_HZ, bug, display });
  await run(world);
  const shown = await world.heal();
  return { seed, trace: world.trace.hex(), violations: world.violations.found, virtualMs: world.time.nowMs, display: shown };
}
