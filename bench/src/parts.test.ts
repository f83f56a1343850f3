import { expect, it } from "vitest";
import type { SuiteResult } from "./suite.ts";
import { type Part, runParts } from "./parts.ts";

const figure = (id: string) => ({ id, value: 1, unit: "" });
const part = (name: string): Part => ({ name, settings: { [name]: 1 }, run: () => [figure(name)] });
const silent = (): void => undefined;

it("[PT1] a result names the parts nobody asked for, and after each part those still to come", async () => {
  const told: SuiteResult[] = [];
  const options = { only: ["a", "c"], onPart: (soFar: SuiteResult) => void told.push(soFar) };
  const result = await runParts([part("a"), part("b"), part("c")], options, silent);
  expect(result).toEqual({ settings: { a: 1, c: 1 }, figures: [figure("a"), figure("c")], leftOut: ["b"], notReached: [] });
  expect(told[0]).toEqual({ settings: { a: 1 }, figures: [figure("a")], leftOut: ["b"], notReached: ["c"] });
  expect(told[1]).toEqual(result);
});

it("[PT1] a part that fails leaves what was told before it", async () => {
  const told: SuiteResult[] = [];
  const broken: Part = { ...part("b"), run: () => Promise.reject(new Error("no such disk")) };
  const run = runParts([part("a"), broken], { onPart: (soFar) => void told.push(soFar) }, silent);
  await expect(run).rejects.toThrow("no such disk");
  expect(told).toEqual([{ settings: { a: 1 }, figures: [figure("a")], leftOut: [], notReached: ["b"] }]);
});
