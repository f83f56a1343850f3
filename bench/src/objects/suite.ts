/**
 * `npm run bench -- objects`: what durable shared objects cost. Parts stand side by side; each brings its figures and its peers.
 * bench/README.md explains the figures.
 */
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { ackLatency, LATENCY, type LatencyScale } from "./ack-latency.ts";

export type ObjectsScale = { readonly latency: LatencyScale };
export const FULL: ObjectsScale = { latency: LATENCY };

type Progress = (line: string) => void;

export async function objects(_options: SuiteOptions, progress: Progress, scale: ObjectsScale = FULL): Promise<SuiteResult> {
  const parts: readonly (() => Promise<Figure[]>)[] = [() => ackLatency(scale.latency, progress)];
  const figures: Figure[] = [];
  for (const part of parts) figures.push(...(await part()));
  return { settings: { ...scale.latency }, figures };
}
