/**
 * The consumers of the event stream: what turns events into answers. The same code runs in the worker and, degraded, in the room's process.
 *
 * [PC1] Object events change the index and answer nothing; texts and searches answer exactly once per event handled.
 * [PC2] Handling an event twice gives the same answer and changes nothing (at-least-once in, idempotent).
 * [PC3] The texts of a batch are judged together (micro-batch); objects are indexed before the batch's searches are answered.
 * [PC4] An event whose handling throws fails alone.
 */
import type { PipelineEvent } from "../core/types.ts";
import { byLexicon, type JudgedText, type TextJudgement, verdictOf } from "./text/moderator.ts";
import { describeScene, loadSemantics, SceneIndex } from "./search/index.ts";
import type { BatchItem } from "./worker-messages.ts";
import type { PipelineAnswer } from "./types.ts";

/** Judges texts in one go, one judgement per text in order. May use models; the lexicon is the judge without any. */
export type TextJudge = (texts: readonly JudgedText[]) => Promise<readonly TextJudgement[]>;
/** `failed`: why, without any of the event's text. */
export type Handled = { readonly answer?: PipelineAnswer | undefined; readonly failed?: string | undefined };
export type ConsumerOptions = {
  /** Marks search answers as coming from the reduced form. */
  readonly degraded: boolean;
  readonly judge?: TextJudge;
};

type TextEvent = Extract<PipelineEvent, { kind: "text" }>;

export class Consumers {
  private readonly scenes = new Map<string, SceneIndex>();
  private readonly degraded: boolean;
  private readonly judge: TextJudge;

  constructor(options: ConsumerOptions) {
    this.degraded = options.degraded;
    this.judge = options.judge ?? lexiconJudge;
  }

  /** A batch as it came off the stream [PC3]. */
  async handleBatch(items: readonly BatchItem[]): Promise<Handled[]> {
    const handled: Handled[] = items.map(() => ({}));
    const texts = items.flatMap(({ event }, at) => (event.kind === "text" ? [{ at, event }] : []));
    items.forEach(({ scene, event }, at) => {
      if (event.kind !== "search" && event.kind !== "text") handled[at] = attempt(() => this.handle(scene, event));
    });
    items.forEach(({ scene, event }, at) => {
      if (event.kind === "search") handled[at] = attempt(() => this.handle(scene, event));
    });
    if (texts.length > 0) for (const { at, result } of await this.judgeAll(texts)) handled[at] = result;
    return handled;
  }

  /** One event at once, texts by the lexicon alone. */
  handle(scene: string, event: PipelineEvent): PipelineAnswer | undefined {
    switch (event.kind) {
      case "object":
      case "objectGone":
        this.indexOf(scene).apply(event);
        return undefined;
      case "text":
        return verdict(event, lexiconJudgement(event));
      case "search": {
        const asked = { kind: "searched", session: event.session, ref: event.ref, degraded: this.degraded } as const;
        const index = this.scenes.get(scene) ?? new SceneIndex();
        if (event.describe !== undefined) return { ...asked, hits: [], description: describeScene(index, event) };
        const { hits, count } = index.find(event);
        return count === undefined ? { ...asked, hits } : { ...asked, hits, count };
      }
    }
  }

  /** Objects refused because a scene was full. */
  get refused(): number {
    let sum = 0;
    for (const index of this.scenes.values()) sum += index.refused;
    return sum;
  }
  get indexed(): number {
    let sum = 0;
    for (const index of this.scenes.values()) sum += index.size;
    return sum;
  }

  has(scene: string): boolean {
    return this.scenes.has(scene);
  }
  forget(scene: string): void {
    this.scenes.delete(scene);
  }

  private async judgeAll(texts: readonly { readonly at: number; readonly event: TextEvent }[]) {
    try {
      const judgements = await this.judge(texts.map(({ event }) => event));
      return texts.map(({ at, event }, i) => ({ at, result: withAnswer(event, judgements[i]) }));
    } catch (error) {
      const only = texts[0];
      if (texts.length === 1 && only !== undefined) return [{ at: only.at, result: { failed: nameOf(error) } }];
    }
    // One of them spoils the batch: each by itself [PC4].
    const results: { at: number; result: Handled }[] = [];
    for (const { at, event } of texts) {
      results.push({ at, result: await this.judge([event]).then(([one]) => withAnswer(event, one), failure) });
    }
    return results;
  }

  private indexOf(scene: string): SceneIndex {
    let index = this.scenes.get(scene);
    if (index === undefined) this.scenes.set(scene, (index = new SceneIndex(this.degraded ? undefined : loadSemantics())));
    return index;
  }
}

const lexiconJudgement = ({ text, thresholds }: JudgedText): TextJudgement => verdictOf(byLexicon(text, thresholds));
const lexiconJudge: TextJudge = async (texts) => texts.map(lexiconJudgement);

const verdict = ({ subject, version }: TextEvent, judgement: TextJudgement): PipelineAnswer => ({ kind: "verdict", subject, version, ...judgement });
const withAnswer = (event: TextEvent, judgement: TextJudgement | undefined): Handled =>
  judgement === undefined ? { failed: "the judge left a text out" } : { answer: verdict(event, judgement) };

function attempt(handle: () => PipelineAnswer | undefined): Handled {
  try {
    return { answer: handle() };
  } catch (error) {
    return failure(error);
  }
}
const failure = (error: unknown): Handled => ({ failed: nameOf(error) });
/** An error's kind: its message may quote what people wrote. */
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : "not an Error");
