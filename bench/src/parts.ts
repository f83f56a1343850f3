/**
 * A suite made of parts that stand alone: some may be asked for by name, and what was measured is told after each, so that a run that is cut off
 * leaves more than nothing.
 *
 * [PT1] A result says which parts were not asked for and which were not reached; only one without either is whole.
 */
import type { Figure, Report } from "./report.ts";
import type { SuiteOptions, SuiteResult } from "./suite.ts";

export type Part = {
  readonly name: string;
  readonly settings: Report["settings"];
  readonly run: () => Figure[] | Promise<Figure[]>;
};

export async function runParts(
  parts: readonly Part[],
  { only, onPart }: Pick<SuiteOptions, "only" | "onPart">,
  progress: (line: string) => void,
): Promise<SuiteResult> {
  const asked = parts.filter(({ name }) => only?.includes(name) ?? true);
  const leftOut = parts.filter((part) => !asked.includes(part)).map(({ name }) => name);
  const figures: Figure[] = [];
  const settings: Record<string, unknown> = {};
  const beganMs = performance.now();
  let result: SuiteResult = { settings, figures, leftOut, notReached: asked.map(({ name }) => name) };
  for (const [index, part] of asked.entries()) {
    progress(`${part.name} (part ${index + 1} of ${asked.length}, after ${seconds(beganMs)} s)`);
    const partMs = performance.now();
    figures.push(...(await part.run()));
    Object.assign(settings, part.settings);
    progress(`${part.name}: done in ${seconds(partMs)} s`);
    result = { settings: { ...settings }, figures: [...figures], leftOut, notReached: asked.slice(index + 1).map(({ name }) => name) };
    onPart?.(result);
  }
  return result;
}

const seconds = (sinceMs: number): string => ((performance.now() - sinceMs) / 1000).toFixed(0);
