/**
 * Whose text a verdict is about: verdicts name texts, moderation asks after people. Remembers the newest texts while they are judged.
 *
 * [JT1] Bounded by TEXTS_MAX; a verdict that comes after its text was forgotten hides the text all the same and counts against nobody.
 * [JT2] A text counts once, however often its verdict comes.
 */
import type { PipelineEvent, TextSubject } from "../../core/types.ts";

const TEXTS_MAX = 512;

export class JudgedTexts {
  private readonly texts = new Map<string, { readonly user: string; readonly text: string }>();
  private readonly onHidden: (user: string, text: string, reason: string) => void;

  constructor(onHidden: (user: string, text: string, reason: string) => void) {
    this.onHidden = onHidden;
  }

  offered(event: PipelineEvent): void {
    if (event.kind !== "text" || event.user === "") return;
    const [oldest] = this.texts.size >= TEXTS_MAX ? this.texts.keys() : [];
    if (oldest !== undefined) this.texts.delete(oldest);
    this.texts.set(keyOf(event.subject, event.version), { user: event.user, text: event.text });
  }

  hidden({ subject, version, reason }: { readonly subject: TextSubject; readonly version: number; readonly reason: string }): void {
    const key = keyOf(subject, version);
    const found = this.texts.get(key);
    if (found === undefined) return;
    this.texts.delete(key);
    this.onHidden(found.user, found.text, reason);
  }
}

const keyOf = (subject: TextSubject, version: number): string =>
  subject.kind === "chat" ? `c${subject.id}` : `f${subject.object}/${subject.field}/${version}`;
