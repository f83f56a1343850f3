/**
 * Text fields that moderation hid. The text stays in the document; everybody but its author is shown a veil instead.
 *
 * [VE1] A verdict counts only if it is not older than the last one applied to that field, so late and repeated answers change nothing.
 * [VE2] A veil is lifted only by a verdict on the newest text: while a newer one is unjudged, the veil stays.
 * [VE3] A veil goes with its object. Lists come sorted by object, then field.
 */
import type { SessionDelta } from "./types.ts";

export type Veil = Extract<SessionDelta, { kind: "veil" }>;
type Subject = { readonly object: string; readonly field: string };
type Entry = { newest: number; judged: number; author: string; veil: Veil | undefined };

export class VeilTable {
  /** object -> field -> what is known. */
  private readonly objects = new Map<string, Map<string, Entry>>();

  /** A text was written: verdicts on it will name this version. */
  written(subject: Subject, version: number, author: string): void {
    const entry = this.entry(subject);
    if (version < entry.newest) return;
    entry.newest = version;
    entry.author = author;
  }

  /** From now on another name stands for an author. */
  rename(user: string, alias: string): void {
    for (const fields of this.objects.values()) for (const entry of fields.values()) if (entry.author === user) entry.author = alias;
  }

  /** What a verdict changes, if anything. */
  judge(subject: Subject, verdict: { readonly version: number; readonly hide: boolean; readonly reason: string }): SessionDelta | undefined {
    const entry = this.objects.get(subject.object)?.get(subject.field);
    if (entry === undefined || verdict.version < entry.judged || verdict.version > entry.newest) return undefined;
    entry.judged = verdict.version;
    const { object, field } = subject;
    if (verdict.hide) {
      const veil: Veil = { kind: "veil", object, field, author: entry.author, reason: verdict.reason };
      const same = entry.veil?.author === veil.author && entry.veil.reason === veil.reason;
      if (same) return undefined;
      entry.veil = veil;
      return veil;
    }
    if (entry.veil === undefined || verdict.version < entry.newest) return undefined;
    entry.veil = undefined;
    return { kind: "veilGone", object, field };
  }

  /** The object is gone: its veils go too. */
  forget(object: string): SessionDelta[] {
    const gone = this.veilsOf(object).map(({ field }): SessionDelta => ({ kind: "veilGone", object, field }));
    this.objects.delete(object);
    return gone;
  }

  /** Whether any text of the object is hidden from this reader. */
  hidesFrom(object: string, reader: string): boolean {
    return this.veilsOf(object).some((veil) => veil.author !== reader);
  }

  /** Objects with any text that is hidden from this reader, sorted. */
  hiddenFrom(reader: string): string[] {
    return [...new Set(this.all().flatMap((veil) => (veil.author === reader ? [] : [veil.object])))];
  }

  all(): Veil[] {
    return [...this.objects.keys()].sort().flatMap((object) => this.veilsOf(object));
  }

  private veilsOf(object: string): Veil[] {
    const fields = this.objects.get(object);
    if (fields === undefined) return [];
    return [...fields.keys()].sort().flatMap((field) => fields.get(field)?.veil ?? []);
  }

  private entry(subject: Subject): Entry {
    let fields = this.objects.get(subject.object);
    if (fields === undefined) this.objects.set(subject.object, (fields = new Map()));
    let entry = fields.get(subject.field);
    if (entry === undefined) fields.set(subject.field, (entry = { newest: -1, judged: -1, author: "", veil: undefined }));
    return entry;
  }
}
