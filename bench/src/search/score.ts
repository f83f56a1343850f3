/**
 * How often the right object comes first, on scenes and queries: ours, and two peers on the same objects.
 *
 * A query counts for `first`; for `left_right` when it says left or right and has a viewer; for `synonym` when it shares no word with the
 * label of its answer (plurals aside), which is computed here, not declared. "How many" counts for `count` only.
 */
import { Bm25, cosine, loadSemantics, SceneIndex, type SearchEvent, type Semantics, termsOf, wordsOf } from "@copresence/server/search";
import type { BenchQuery, BenchScene } from "./scene-file.ts";

export type Method = "ours" | "bm25" | "embedding";
export type Judged = {
  readonly scene: string;
  readonly query: BenchQuery;
  readonly slices: readonly string[];
  readonly ranks: Readonly<Record<Method, number>>;
  readonly hits: readonly string[];
};

const DEEP = 32;
/** Rank of the right answer, from 1; Infinity when it is not among the hits. */
const rankOf = (ids: readonly string[], answer: readonly string[]): number => {
  const at = ids.findIndex((id) => answer.includes(id));
  return at < 0 ? Infinity : at + 1;
};

export function eventOf(query: Pick<BenchQuery, "text" | "viewer">, limit = DEEP): SearchEvent {
  return { kind: "search", session: "bench" as SearchEvent["session"], ref: 1, text: query.text, limit, withinM: 0, types: [], from: query.viewer };
}

export function judge(scenes: readonly BenchScene[], semantics: Semantics = loadSemantics()): Judged[] {
  return scenes.flatMap((scene) => {
    const index = new SceneIndex(semantics);
    for (const object of scene.objects) index.apply(object);
    const bm25 = bm25Of(scene);
    const embedding = embeddingOf(scene, semantics);
    return scene.queries.map((query) => {
      const { hits, count } = index.answer(eventOf(query));
      const ids = hits.map(({ object }) => object);
      const { answer } = query;
      const ranks =
        typeof answer === "number"
          ? { ours: count === answer ? 1 : Infinity, bm25: Infinity, embedding: Infinity }
          : { ours: rankOf(ids, answer), bm25: rankOf(bm25(query.text), answer), embedding: rankOf(embedding(query.text), answer) };
      return {
        scene: scene.name,
        query,
        slices: slicesOf(query, scene),
        ranks,
        hits: hits.slice(0, 3).map((hit) => `${hit.object} ${hit.label.slice(0, 30)} ${hit.score.toFixed(3)} ${hit.why}`),
      };
    });
  });
}

export function slicesOf(query: BenchQuery, scene: BenchScene): string[] {
  const { answer, text, viewer } = query;
  if (typeof answer === "number") return ["count"];
  const slices = ["first"];
  if (viewer !== null && /\b(?:left|right)(?:most)?\b/i.test(text)) slices.push("left_right");
  const said = new Set(termsOf(text));
  const labels = scene.objects
    .filter(({ object }) => answer.includes(object))
    .flatMap(({ label }) => termsOf(label).filter((term) => term.length > 2 && !/^\d/.test(term)));
  if (labels.length > 0 && !labels.some((term) => said.has(term))) slices.push("synonym");
  return slices;
}

/** Share of a slice whose answer is at `within` or better. */
export function share(judged: readonly Judged[], slice: string, method: Method, within: number): { readonly value: number; readonly n: number } {
  const all = judged.filter(({ slices }) => slices.includes(slice));
  return { value: all.length === 0 ? NaN : all.filter(({ ranks }) => ranks[method] <= within).length / all.length, n: all.length };
}

/** The peers: the same words without relations, ranked by BM25; and by the angle between what the query and the label mean. */
function bm25Of(scene: BenchScene): (text: string) => string[] {
  const bm25 = new Bm25();
  scene.objects.forEach(({ label, type, room, tags, text }, doc) => {
    const terms = new Map<string, number>();
    for (const [words, weight] of [
      [label, 3],
      [type, 1.5],
      [[room, text, ...(tags ?? [])].join(" "), 1],
    ] as const)
      for (const term of termsOf(words)) terms.set(term, (terms.get(term) ?? 0) + weight);
    bm25.add(doc, terms);
  });
  return (text) =>
    bm25
      .score(termsOf(text).map((term) => ({ term, weight: 1 })))
      .sort((a, b) => b.score - a.score || a.doc - b.doc)
      .slice(0, DEEP)
      .map(({ doc }) => scene.objects[doc]?.object ?? "");
}

function embeddingOf(scene: BenchScene, semantics: Semantics): (text: string) => string[] {
  const vectors = scene.objects.map(
    ({ label, type }) => semantics.thing(label.toLowerCase()) ?? semantics.describe(wordsOf(label)) ?? semantics.describe(wordsOf(type)),
  );
  return (text) => {
    const asked = semantics.describe(wordsOf(text));
    if (asked === undefined) return [];
    return vectors
      .map((vector, i) => ({ i, like: vector === undefined ? -1 : cosine(asked, vector) }))
      .sort((a, b) => b.like - a.like || a.i - b.i)
      .slice(0, DEEP)
      .map(({ i }) => scene.objects[i]?.object ?? "");
  };
}
