/** Durable edits become part of the document, together where that is cheap, and whose edits take too long is found (scene-document.ts, [SE5]). */
import { assert, type SessionId } from "@copresence/shared/base";
import * as Y from "yjs";
import type { CoreEffect } from "../types.ts";
import { type DocSession, SLOW_MAX, SLOW_MS } from "./doc-session.ts";
import type { DocumentRoot } from "./document-root.ts";
import type { Edit } from "./intake.ts";
import { NOTHING } from "./update-bytes.ts";

/** What applying updates together may cost, estimated: below, no author is to blame for the others' time. */
const TOGETHER_US = 4000;

export class Integration {
  private readonly sessions: ReadonlyMap<SessionId, DocSession>;
  private readonly stopwatch: () => number;

  /** `stopwatch`: milliseconds of processor time this thread has used. */
  constructor(sessions: ReadonlyMap<SessionId, DocSession>, stopwatch: () => number) {
    this.sessions = sessions;
    this.stopwatch = stopwatch;
  }

  /** The effects close who has held the thread too long too often. */
  integrate(root: DocumentRoot, edits: readonly Edit[]): CoreEffect[] {
    const effects: CoreEffect[] = [];
    for (let from = 0, to = 0; from < edits.length; from = to) {
      for (let us = 0; to < edits.length && (to === from || us + (edits[to]?.weightUs ?? 0) <= TOGETHER_US); to++) us += edits[to]?.weightUs ?? 0;
      effects.push(...this.together(root, edits.slice(from, to)));
    }
    assert(!root.incomplete, "an admitted update integrates completely");
    root.gate.settled(edits.length);
    root.recountObjects();
    return effects;
  }

  /** Of the stopwatch, for `isSlow`. */
  now(): number {
    return this.stopwatch();
  }

  /** Counts what held the thread too long against its author; true when that is enough. */
  isSlow(from: DocSession, startedMs: number): boolean {
    return this.stopwatch() - startedMs > SLOW_MS && ++from.slow >= SLOW_MAX;
  }

  /** One transaction of Yjs, which costs more than a small edit does. If it takes too long, that is the heaviest one's fault. */
  private together(root: DocumentRoot, edits: readonly Edit[]): CoreEffect[] {
    const startedMs = this.stopwatch();
    root.stored = undefined;
    root.changed = true;
    root.doc.transact(() => {
      for (const { record } of edits) if (record.update !== NOTHING) Y.applyUpdate(root.doc, record.update);
    });
    for (const { record, places } of edits) {
      root.size.add(record.update.length);
      root.changes.note(places, record.user);
    }
    const heaviest = edits.reduce((most, edit) => (edit.weightUs > most.weightUs ? edit : most));
    const author = heaviest.session === undefined ? undefined : this.sessions.get(heaviest.session);
    return author !== undefined && this.isSlow(author, startedMs) ? [{ kind: "close", session: author.id, reason: "editsTooSlow" }] : [];
  }
}
