/** `npm run bench -- search`: bench/README.md says what the figures mean. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "../report.ts";
import type { SuiteOptions, SuiteResult } from "../suite.ts";
import { externalScenes } from "./external.ts";
import { freshness, latency, memoryMb, quantile, recall } from "./load.ts";
import { hasRecordedScenes, recordedScenes } from "./recorded-scenes.ts";
import type { BenchScene } from "./scene-file.ts";
import { judge, type Judged, type Method, share } from "./score.ts";

const OBJECTS = 10_000;
const QUERIES = 960;
const RECALL_QUERIES = 96;
const EDITS = 100;
const PEERS: readonly Method[] = ["bm25", "embedding"];
const BARS = [
  ["first", "first", 1, 0.65],
  ["left_right", "left_right", 1, 0.6],
  ["synonym_first", "synonym", 1, 0.5],
  ["synonym_five", "synonym", 5, 0.8],
] as const;

export async function search({ data, dump }: SuiteOptions, progress: (line: string) => void): Promise<SuiteResult> {
  const figures: Figure[] = [];
  // First, while nothing has loaded the tables.
  const memory = memoryMb(OBJECTS);
  const own = data === undefined;
  const scenes: readonly BenchScene[] = own ? (hasRecordedScenes() ? recordedScenes("test") : []) : externalScenes(data, progress);
  if (scenes.length === 0) progress("NO SCENES: ../shared/data/scenes is not there; only time, recall and memory are measured");
  if (scenes.length > 0) {
    progress(`${scenes.length} scenes, ${scenes.reduce((sum, { queries }) => sum + queries.length, 0)} queries`);
    const judged = judge(scenes);
    figures.push(...quality(judged, ""));
    if (own) figures.push(...quality(judge(recordedScenes("tune")), ".tuned_on").map(({ id, value, unit }) => ({ id, value, unit })));
    if (dump !== undefined) {
      mkdirSync(dump, { recursive: true });
      writeFileSync(join(dump, "search-judged.json"), JSON.stringify(judged, undefined, 1));
    }
  }
  progress("latency and recall with 10 000 objects");
  const { first: times, fastest } = latency(OBJECTS, QUERIES);
  const found = recall(OBJECTS, RECALL_QUERIES);
  progress("freshness through the pipeline's worker");
  const fresh = await freshness(OBJECTS, EDITS);
  const p99 = quantile(times, 0.99);
  const fresh99 = quantile(fresh, 0.99);
  figures.push(
    { id: "search.p50_ms", value: quantile(times, 0.5), unit: "ms" },
    { id: "search.p95_ms", value: quantile(times, 0.95), unit: "ms" },
    { id: "search.p99_ms", value: p99, unit: "ms", bar: "< 10", ok: p99 < 10 },
    { id: "search.fastest_p99_ms", value: quantile(fastest, 0.99), unit: "ms, fastest of three askings" },
    { id: "search.recall", value: found, unit: "of the exhaustive first ten", bar: ">= .99", ok: found >= 0.99 },
    { id: "search.fresh_ms_p50", value: quantile(fresh, 0.5), unit: "ms" },
    { id: "search.fresh_ms_p99", value: fresh99, unit: "ms", bar: "< 250", ok: fresh99 < 250 },
    { id: "search.index_mb", value: memory.index, unit: "MB for 10 000 objects" },
    { id: "search.tables_mb", value: memory.tables, unit: "MB for the tables of meaning" },
  );
  return { settings: { objects: OBJECTS, queries: QUERIES, edits: EDITS, data: own ? "recorded scenes, test split" : "external" }, figures };
}

/** The bars, the peers beside them, and how many queries each figure rests on. */
function quality(judged: readonly Judged[], suffix: string): Figure[] {
  const figures: Figure[] = [];
  for (const [id, slice, within, bar] of BARS) {
    const { value, n } = share(judged, slice, "ours", within);
    if (n === 0) continue;
    figures.push({ id: `search.${id}${suffix}`, value, unit: `of ${n}`, bar: `>= ${bar}`, ok: value >= bar });
    for (const peer of PEERS)
      figures.push({ id: `search.${id}${suffix}.${peer}`, value: share(judged, slice, peer, within).value, unit: `of ${n}`, peer: `${peer} alone` });
  }
  const counted = share(judged, "count", "ours", 1);
  if (counted.n > 0) figures.push({ id: `search.count${suffix}`, value: counted.value, unit: `of ${counted.n}` });
  return figures;
}
