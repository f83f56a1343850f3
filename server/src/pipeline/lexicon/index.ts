/**
 * The lexicon check: the smallest moderation that works, and what is left when the worker and its models are gone.
 * English only. It hides what a word list can be sure of and leaves the rest to models and people (words.ts says where its limits are).
 */
import { findAll } from "./match.ts";
import type { Category, Severity } from "./words.ts";

export type LexiconVerdict = {
  readonly hide: boolean;
  /** The category that weighed most, empty when nothing is hidden. Never the word itself: reasons are shown and logged. */
  readonly reason: Category | "";
  /** Worst severity found, 0 for none. */
  readonly severity: Severity | 0;
};

/** Degrading, sexual, hateful or threatening is hidden; merely rude is not (words.ts, LW3). */
const HIDE_FROM: Severity = 2;

/** Of the list and the rules that read it, for the record of what a text was judged by. */
export const LEXICON_VERSION = "1.0.0";

/** Judges one text of any length; only its first 1 200 characters are read. Never throws. */
export function judgeText(text: string): LexiconVerdict {
  let severity: Severity | 0 = 0;
  let reason: Category | "" = "";
  for (const finding of findAll(text)) {
    if (finding.severity <= severity) continue;
    severity = finding.severity;
    reason = finding.category;
  }
  const hide = severity >= HIDE_FROM;
  return { hide, reason: hide ? reason : "", severity };
}
