/**
 * Answers to those who ask for a large document, or for most of it: at a join, after a refusal, and all at once when it was re-rooted. It is
 * encoded a slice a tick (whole-state.ts), once for everybody who asks meanwhile, and handed out a few answers a tick.
 *
 * [WA1] An answer has everything that was durable when it leaves: nobody gets an edit before the document it belongs to.
 * [WA2] Who asks again while waiting gets one answer; who leaves gets none. A document that takes another's place is encoded from its beginning.
 * [WA3] Nothing is kept when nobody waits.
 */
import type { SessionId } from "@copresence/shared/base";
import { encodeMessage } from "@copresence/shared/protocol";
import type * as Y from "yjs";
import type { CoreEffect } from "../types.ts";
import type { DocSession } from "./doc-session.ts";
import { step2Head } from "./doc-wire.ts";
import { missingUnits, SLICE_UNITS, WholeState } from "./whole-state.ts";

/** What is answered at once: some 20 ms at most. */
const DIRECT_UNITS = 2 * SLICE_UNITS;
/** What is handed out in one tick, at least one answer: a copy into a socket of as much takes some 10 ms. */
const HANDED_OUT_BYTES = 16 << 20;
/** What goes before the body of a message to an SDK. */
const ENVELOPE = encodeMessage({ type: "syncDown", body: new Uint8Array() });

export class WholeAnswers {
  private readonly sessions: ReadonlyMap<SessionId, DocSession>;
  private readonly waiting = new Set<SessionId>();
  private state: { readonly doc: Y.Doc; readonly whole: WholeState } | undefined;
  /** The newest answer, and the version of the document that it has. */
  private answer: { readonly bytes: Uint8Array; readonly version: number } | undefined;

  constructor(sessions: ReadonlyMap<SessionId, DocSession>) {
    this.sessions = sessions;
  }

  /** True when this is one of those: it will be answered in a later tick. */
  take(from: DocSession, doc: Y.Doc, known: ReadonlyMap<number, number>): boolean {
    if (!this.waiting.has(from.id) && missingUnits(doc, known) <= DIRECT_UNITS) return false;
    this.waiting.add(from.id);
    return true;
  }

  /** Once per tick: the next slice, or the next answers. `version` changes with the document. */
  tick(doc: Y.Doc, version: number): CoreEffect[] {
    for (const id of this.waiting) if (!this.sessions.has(id)) this.waiting.delete(id);
    if (this.waiting.size === 0) {
      this.state = this.answer = undefined;
      return [];
    }
    if (this.state?.doc !== doc) {
      this.state = { doc, whole: new WholeState(doc) };
      this.answer = undefined;
    }
    if (!this.state.whole.slice(SLICE_UNITS)) return [];
    if (this.answer?.version !== version) this.answer = { bytes: this.state.whole.finish(heads), version };
    const { bytes } = this.answer;
    const effects: CoreEffect[] = [];
    for (const id of this.waiting) {
      if (effects.length > 0 && (effects.length + 1) * bytes.length > HANDED_OUT_BYTES) break;
      this.waiting.delete(id);
      const session = this.sessions.get(id) as DocSession;
      session.synced++;
      if (session.peer === "stock") effects.push({ kind: "sendDoc", session: id, bytes: bytes.subarray(ENVELOPE.length) });
      else effects.push({ kind: "send", session: id, bytes, droppable: false });
    }
    return effects;
  }
}

/** An SDK's envelope, in which the body has no length of its own, then the sync step 2. */
function heads(length: number): Uint8Array {
  const step = step2Head(length);
  const head = new Uint8Array(ENVELOPE.length + step.length);
  head.set(ENVELOPE);
  head.set(step, ENVELOPE.length);
  return head;
}
