/** Figures with bars. */
import type { Figure } from "../report.ts";

type Bar = { readonly id: string; readonly value: number; readonly unit: string; readonly bar: number; readonly peer?: string };

export const atMost = ({ id, value, unit, bar, peer }: Bar): Figure => ({
  id,
  value,
  unit,
  bar: `<= ${bar}`,
  ok: value <= bar,
  ...(peer === undefined ? {} : { peer }),
});
export const atLeast = ({ id, value, unit, bar, peer }: Bar): Figure => ({
  id,
  value,
  unit,
  bar: `>= ${bar}`,
  ok: value >= bar,
  ...(peer === undefined ? {} : { peer }),
});
export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
