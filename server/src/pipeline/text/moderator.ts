/**
 * Is this text all right? One judgement per text, with what it was judged by: the model and its version, the thresholds, and why.
 *
 * [TJ1] A text is flagged when a head reaches its threshold; a scene may set its own, stricter or laxer, per head, or 1 for never.
 * [TJ2] The lexicon has a voice: its gravest words (severity 3: slurs, death wishes) flag a text unless the model finds it harmless, its degrading ones
 *       (severity 2) if the model finds it toxic rather than not.
 * [TJ3] Every judgement names the model, its version and the thresholds it was made with; none repeats the text.
 * [TJ4] Without a model the lexicon judges alone and says so: `degraded`.
 */
import { judgeText, LEXICON_VERSION } from "../lexicon/index.ts";
import type { JudgedBy } from "../types.ts";
import type { TextModel } from "./text-model.ts";

/**
 * Names of heads -> probability from which a text is flagged, 0..1; 1 is never. Heads not named keep the model's own threshold. `lexicon: 1` silences
 * the word list.
 */
export type Thresholds = Readonly<Record<string, number>>;

export type JudgedText = { readonly text: string; readonly thresholds?: Thresholds | undefined };
/** What the room hears of a judgement. */
export type TextJudgement = { readonly hide: boolean; readonly reason: string; readonly by: JudgedBy };

export type Judgement = {
  /** Probability per head, 0..1; empty when no model judged. `toxic` is how bad the text is altogether, the others say which way. */
  readonly heads: Readonly<Record<string, number>>;
  readonly flagged: boolean;
  /** The head that passed its threshold by most, or the lexicon's category; empty when nothing is flagged. Never a word of the text. */
  readonly reason: string;
  /** Every head and list that flagged, for the record: `insult 0.93 >= 0.7`, `lexicon: slur`. */
  readonly why: readonly string[];
  readonly model: string;
  readonly version: string;
  readonly thresholds: Thresholds;
  /** The text was longer than what is read (4 000 characters, 600 words or so): the middle or the end was not judged. */
  readonly truncated: boolean;
  readonly degraded: boolean;
};

/** From this overall score on a listed word of that severity flags a text; below, the word is quoted, reclaimed or reported. */
const WORD_COUNTS_FROM: Readonly<Record<number, number>> = { 2: 0.5, 3: 0.25 };

export class TextModerator {
  private model: TextModel | undefined;

  /** Without a model: the lexicon alone [TJ4]. */
  constructor(model?: TextModel) {
    this.model = model;
  }

  get modelVersion(): string {
    return this.model === undefined ? `lexicon ${LEXICON_VERSION}` : `${this.model.manifest.id} ${this.model.manifest.version}`;
  }

  /** Names of the heads; none without a model. */
  get heads(): readonly string[] {
    return this.model?.manifest.heads ?? [];
  }

  /** Puts another model in charge, from the next text on; the one before is given back to be closed. */
  replace(model: TextModel): TextModel | undefined {
    const before = this.model;
    this.model = model;
    return before;
  }

  async judge(text: string, thresholds: Thresholds = {}): Promise<Judgement> {
    const [judgement] = await this.judgeAll([{ text, thresholds }]);
    if (judgement === undefined) throw new Error("one text in, one judgement out");
    return judgement;
  }

  /** A micro-batch: one judgement per text, in order. Rejects only if the runtime does. */
  async judgeAll(items: readonly JudgedText[]): Promise<Judgement[]> {
    const { model } = this;
    if (model === undefined) return items.map(({ text, thresholds }) => byLexicon(text, thresholds));
    const { manifest } = model;
    const scored = await model.score(items.map(({ text }) => text));
    return items.map(({ text, thresholds }, at) => {
      const { scores, truncated } = scored[at] ?? { scores: new Float32Array(), truncated: false };
      const limits = { ...manifest.thresholds, ...thresholds };
      const heads: Record<string, number> = {};
      manifest.heads.forEach((head, i) => (heads[head] = scores[i] ?? 0));
      return { ...decide(text, heads, limits), heads, thresholds: limits, model: manifest.id, version: manifest.version, truncated, degraded: false };
    });
  }
}

export const verdictOf = ({ flagged, reason, model, version, why, thresholds }: Judgement): TextJudgement => ({
  hide: flagged,
  reason,
  by: { model, version, why, thresholds },
});

function decide(text: string, heads: Readonly<Record<string, number>>, limits: Thresholds): Pick<Judgement, "flagged" | "reason" | "why"> {
  const why: string[] = [];
  let reason = "";
  let furthest = -1;
  for (const [head, limit] of Object.entries(limits)) {
    const score = heads[head];
    if (score === undefined || limit >= 1 || score < limit) continue;
    why.push(`${head} ${score.toFixed(2)} >= ${limit}`);
    // "toxic" says that, the others say why: they name the reason if they can.
    const distance = head === "toxic" ? 0 : (score - limit) / (1 - limit);
    if (distance <= furthest) continue;
    furthest = distance;
    reason = head;
  }
  const toxic = heads["toxic"] ?? 1;
  // Most texts are harmless and need no second look.
  if (toxic >= (WORD_COUNTS_FROM[3] ?? 1) && (limits["lexicon"] ?? 0) < 1) {
    const word = judgeText(text);
    if (word.hide && toxic >= (WORD_COUNTS_FROM[word.severity] ?? 1)) {
      why.push(`lexicon: ${word.reason}`);
      if (reason === "") reason = word.reason;
    }
  }
  return { flagged: why.length > 0, reason, why };
}

/** The lexicon alone; a space that silenced it gets no verdict but "harmless". */
export function byLexicon(text: string, thresholds: Thresholds = {}): Judgement {
  const verdict = judgeText(text);
  const hide = verdict.hide && (thresholds["lexicon"] ?? 0) < 1;
  const reason = hide ? verdict.reason : "";
  return {
    heads: {},
    flagged: hide,
    reason,
    why: hide ? [`lexicon: ${reason}`] : [],
    model: "lexicon",
    version: LEXICON_VERSION,
    thresholds,
    truncated: text.length > LEXICON_READS,
    degraded: true,
  };
}
const LEXICON_READS = 1200;
