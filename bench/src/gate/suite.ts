/**
 * `npm run bench -- gate [--count N]`: hostile updates against the scene document's gate (server/src/core/document/hostile).
 *
 * [GB1] `--count N` is the number of mutated updates, a tenth of it is forged besides; 1 000 000 and 100 000 by default. The heavy attacks always
 *       run in full.
 * [GB2] Memory is what the process holds after collecting, before and after the campaign, a first small one having warmed everything up. The room
 *       that the unprivileged attack lives through all of it.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Campaign } from "@copresence/server/hostile";
import type { Suite } from "../suite.ts";

const MUTATED = 1_000_000;
const WARM_UP = 20_000;
const SEED = 20_240_501;
const BARS = { bypass: 0, slowestMs: 50, growthMb: 20 } as const;

export const gate: Suite["run"] = ({ count = MUTATED }, progress) => {
  const mutated = Math.max(1, Math.round(count));
  const forged = Math.max(1, Math.round(mutated / 10));
  const collect = collector();
  new Campaign({ seed: SEED - 100, mutated: Math.min(WARM_UP, mutated), forged: Math.min(WARM_UP, forged), scale: 0.2 }).run();
  const before = heldMb(collect);
  const startedMs = performance.now();
  const result = new Campaign({
    seed: SEED,
    mutated,
    forged,
    scale: 1,
    onProgress: (done, total) => {
      if (done % 50_000 === 0) progress(`${done} of ${total} updates, ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
    },
  }).run();
  const growthMb = heldMb(collect) - before;
  for (const sentence of result.bypasses.slice(0, 10)) progress(sentence);
  progress(`slowest: ${result.slowest}; ${result.admitted} admitted, ${result.refused} refused`);
  const bypasses = result.bypasses.length;
  return {
    settings: { seed: SEED, mutated, forged, time: "processor time of the handler's thread, what seems slow measured five times" },
    figures: [
      { id: "gate.bypass", value: bypasses, unit: "protected changes", bar: "0", ok: bypasses <= BARS.bypass },
      { id: "gate.slowest_ms", value: result.slowestMs, unit: "ms", bar: `<= ${BARS.slowestMs}`, ok: result.slowestMs <= BARS.slowestMs },
      { id: "gate.memory_growth", value: Math.max(0, growthMb), unit: "MB", bar: `< ${BARS.growthMb}`, ok: growthMb < BARS.growthMb },
      { id: "gate.updates", value: mutated + forged, unit: "updates" },
      { id: "gate.admitted", value: result.admitted, unit: "updates that were allowed" },
    ],
  };
};

/** The collector, which node hands out only when asked to. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

function heldMb(collect: () => void): number {
  for (let i = 0; i < 4; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}
