/**
 * `npm run bench -- engines` (or `engines-full`): whether different JavaScript engines encode the same bytes and decode the same numbers, to the bit, and keep
 * encoder and viewer equal, over a million frames.
 */
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import type { Figure } from "../report.ts";
import { bundle, ENGINES } from "./engines.ts";
import type { EngineOutcome } from "./engine-run.ts";

const SEED = 20_260;

export type EngineScale = { readonly frames: number; readonly interpretedFrames: number };
/** Interpreters take fifty times as long for a frame: a million in QuickJS are 25 minutes. */
export const QUICK: EngineScale = { frames: 1_000_000, interpretedFrames: 10_000 };
export const FULL: EngineScale = { frames: 1_000_000, interpretedFrames: 1_000_000 };

export async function engines(_: SuiteOptions, progress: (line: string) => void, scale: EngineScale): Promise<SuiteResult> {
  const script = await bundle();
  const reference = new Map<number, EngineOutcome>();
  const figures: Figure[] = [];
  for (const { name, interprets, run, package: from, present } of ENGINES) {
    if (!present()) {
      progress(`${name}: SKIPPED, its command is not installed (Debian's package ${from})`);
      continue;
    }
    const frames = interprets ? scale.interpretedFrames : scale.frames;
    progress(`${name}: ${frames} frames`);
    const outcome = await run(script, frames, SEED);
    const expected = reference.get(frames) ?? (name === "node" ? outcome : await (ENGINES[0] as (typeof ENGINES)[number]).run(script, frames, SEED));
    reference.set(frames, expected);
    const same = outcome.bytes === expected.bytes && outcome.values === expected.values;
    figures.push(
      { id: `engines.${name}.equal_frames`, value: outcome.equal, unit: "frames", bar: `>= ${frames}`, ok: outcome.equal >= frames },
      { id: `engines.${name}.same`, value: same ? 1 : 0, unit: "1: bytes and values as in node", bar: ">= 1", ok: same },
    );
    progress(`${name}: bytes ${outcome.bytes}, values ${outcome.values}, equal for ${outcome.equal} frames`);
  }
  return { settings: { seed: SEED, frames: scale.frames, interpretedFrames: scale.interpretedFrames }, figures };
}
