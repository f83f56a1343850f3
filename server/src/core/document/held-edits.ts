/**
 * Edits that can be judged only once what waits for the disk is in the document: the queue has no room for them, or what they would cost Yjs on
 * top of all that waits is more than one update may. A slow disk is not their author's fault, so they are neither refused nor lost.
 *
 * [HE1] Order: a session's edits are judged as they came, and nothing behind a held one is acknowledged before it.
 * [HE2] Bounded in edits and bytes; what is more stays with its author, who is asked for it (scene-document.ts, [SE4]).
 * [HE3] Nobody is held for ever: whoever has been tried `TRIES_MAX` times goes before everybody's new edits, which are held meanwhile. An edit is
 *       refused only by what it meets when nothing waits.
 * [HE4] One round of judging is bounded work, whatever is held.
 * [HE5] Who leaves is still the author of what they sent.
 */
import type { SessionId, UserId } from "@copresence/shared/base";
import type { CoreEffect } from "../types.ts";
import type { DocSession } from "./doc-session.ts";

/** Of one session: several seconds of what a session may send. */
const LINE_EDITS = 512;
const LINE_BYTES = 1 << 20;
/** Of all sessions. */
const ALL_BYTES = 8 << 20;
/** Rounds after which an edit goes before everybody's. */
const TRIES_MAX = 8;
/** Estimated cost of one round, in us: it comes on top of applying what has landed. */
const ROUND_US = 8000;
/** What judging costs at least, and as a share of what applying is estimated to; and where it leads to nothing. */
const JUDGED_US = 40;
const JUDGED_SHARE = 0.25;
const IN_VAIN_US = 2000;

/** `ordinal`: of the message, in its session. */
export type HeldEdit = { readonly ordinal: number; readonly update: Uint8Array; readonly isAnswer: boolean };
/** `weightUs`: what applying it will cost; undefined when it was not admitted. */
export type Judged = "later" | { readonly effects: CoreEffect[]; readonly weightUs: number | undefined };
type Line = { readonly from: DocSession; readonly edits: HeldEdit[]; readonly settled: { ackTo: number }; bytes: number; tries: number };

export class HeldEdits {
  /** In the order in which they are tried next. */
  private readonly lines = new Map<SessionId, Line>();
  private bytes = 0;
  private urgent: Line | undefined;

  get empty(): boolean {
    return this.lines.size === 0;
  }

  /** Whether edits of this session are held. */
  has(session: SessionId): boolean {
    return this.lines.has(session);
  }

  /** Whether a new edit of this session waits behind others [HE1] [HE3]. */
  mustWait(session: SessionId): boolean {
    return this.urgent !== undefined || this.has(session);
  }

  /** False when there is no room for it. */
  hold(from: DocSession, edit: HeldEdit): boolean {
    const size = edit.update.length;
    let line = this.lines.get(from.id);
    if (this.bytes + size > ALL_BYTES) return false;
    if (line !== undefined && (line.edits.length >= LINE_EDITS || line.bytes + size > LINE_BYTES)) return false;
    if (line === undefined) {
      line = { from, edits: [], settled: { ackTo: 0 }, bytes: 0, tries: 0 };
      this.lines.set(from.id, line);
      // What needs no disk is settled behind these from now on.
      from.waiting = line.settled;
    }
    line.edits.push(edit);
    line.bytes += size;
    this.bytes += size;
    return true;
  }

  /** What a person who was erased sent is judged as `alias`'s. */
  forgetPerson(user: string, alias: string): void {
    for (const { from } of this.lines.values()) if (from.identity.user === user) from.identity = { ...from.identity, user: alias as UserId };
  }

  /** Tries again what is held; `onDone` hears of every session of which nothing is held any more, and up to which message it is to be settled. */
  round(
    judge: (from: DocSession, edit: HeldEdit) => Judged,
    onDone: (from: DocSession, ackTo: number, lastWaits: boolean) => CoreEffect[],
  ): CoreEffect[] {
    const effects: CoreEffect[] = [];
    for (let leftUs = ROUND_US; leftUs > 0;) {
      const line = this.urgent ?? (this.lines.values().next().value as Line | undefined);
      const edit = line?.edits[0];
      if (line === undefined || edit === undefined) break;
      const judged = judge(line.from, edit);
      if (judged === "later") {
        leftUs -= IN_VAIN_US;
        if (this.putBack(line)) break;
        continue;
      }
      effects.push(...judged.effects);
      leftUs -= judged.weightUs === undefined ? IN_VAIN_US : JUDGED_US + judged.weightUs * JUDGED_SHARE;
      effects.push(...this.passed(line, edit, onDone));
    }
    return effects;
  }

  /** True when the others have to wait for it. */
  private putBack(line: Line): boolean {
    this.toEnd(line);
    if (++line.tries >= TRIES_MAX) this.urgent = line;
    return this.urgent === line;
  }

  private passed(line: Line, { update }: HeldEdit, onDone: (from: DocSession, ackTo: number, lastWaits: boolean) => CoreEffect[]): CoreEffect[] {
    const { from, settled } = line;
    line.edits.shift();
    line.bytes -= update.length;
    this.bytes -= update.length;
    line.tries = 0;
    if (this.urgent === line) this.urgent = undefined;
    const lastWaits = from.waiting !== undefined && from.waiting !== settled;
    if (line.edits.length > 0) {
      this.toEnd(line);
      return [];
    }
    this.lines.delete(from.id);
    if (!lastWaits) from.waiting = undefined;
    return onDone(from, settled.ackTo, lastWaits);
  }

  private toEnd(line: Line): void {
    line.from.waiting = line.settled;
    this.lines.delete(line.from.id);
    this.lines.set(line.from.id, line);
  }
}
