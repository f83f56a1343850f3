/**
 * Whose text a verdict is about: verdicts name texts, moderation asks after people. Remembers the newest texts while they are judged.
 *
 * [JT1] Bounded by TEXTS_MAX; a verdict that comes after its text was forgotten hides the text all the same and counts against nobody.
 * [JT2] A text counts once, however often its verdict comes.
 */
import type { PipelineEvent, TextSubject } from "../../core/types.ts";
import type { JudgedBy } from "../../pipeline/types.ts";

const TEXTS_MAX = 512;

/** A text that was hidden: whose, and on what grounds by which model. */
export type HiddenText = { readonly user: string; readonly text: string; readonly reason: string; readonly by: JudgedBy };
type Verdict = { readonly subject: TextSubject; readonly version: number; readonly reason: string; readonly by: JudgedBy };

export class JudgedTexts {
  private readonly texts = new Map<string, { readonly user: string; readonly text: string }>();
  private readonly onHidden: (hidden: HiddenText) => void;

  constructor(onHidden: (hidden: HiddenText) => void) {
    this.onHidden = onHidden;
  }

  offered(event: PipelineEvent): void {
    if (event.kind !== "text" || event.user === "") return;
    const [oldest] = this.texts.size >= TEXTS_MAX ? this.texts.keys() : [];
    if (oldest !== undefined) this.texts.delete(oldest);
    this.texts.set(keyOf(event.subject, event.version), { user: event.user, text: event.text });
  }

  hidden({ subject, version, reason, by }: Verdict): void {
    const key = keyOf(subject, version);
    const found = this.texts.get(key);
    if (found === undefined) return;
    this.texts.delete(key);
    this.onHidden({ ...found, reason, by });
  }
}

const keyOf = (subject: TextSubject, version: number): string =>
  subject.kind === "chat" ? `c${subject.id}` : `f${subject.object}/${subject.field}/${version}`;
