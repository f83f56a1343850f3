/**
 * Which of a session's messages are settled, and the acknowledgements that say so (scene-document.ts, [SE2]): cumulative, in order, and never
 * before the disk has what they stand for.
 */
import type { SessionId } from "@copresence/shared/base";
import { encodeMessage } from "@copresence/shared/protocol";
import type { CoreEffect } from "../types.ts";
import type { DocSession } from "./doc-session.ts";
import type { Admitted } from "./gate.ts";

/** Clocks named in one ack (protocol registry). */
const ACK_CLOCKS = 16;

/** An edit on its way to the disk, as far as its author's acknowledgement goes. */
export type Settling = {
  readonly session: SessionId | undefined;
  readonly clocks: Admitted["clocks"];
  /** Ordinal of the newest message of the session that is settled once this edit is durable. */
  ackTo: number;
};
/** A message that repeats what is queued under another session. */
type Echo = { readonly session: DocSession; readonly batch: number; ackTo: number };

export class Settlement {
  /** Of the generation that is in charge. */
  epoch: number;
  private readonly sessions: ReadonlyMap<SessionId, DocSession>;
  private echoes: readonly Echo[] = [];

  constructor(epoch: number, sessions: ReadonlyMap<SessionId, DocSession>) {
    this.epoch = epoch;
    this.sessions = sessions;
  }

  /** A message that needs no disk is settled with the edit before it, or at once. */
  settle(session: DocSession, ordinal: number): CoreEffect[] {
    if (session.waiting === undefined) return this.ack(session, ordinal, new Map());
    session.waiting.ackTo = Math.max(session.waiting.ackTo, ordinal);
    return [];
  }

  /**
   * What the room has already may still be on its way to the disk, sent by an earlier session of the same person: it is settled when
   * `newestBatch` (undefined: nothing waits) is durable.
   */
  settleKnown(session: DocSession, ordinal: number, newestBatch: number | undefined): CoreEffect[] {
    if (session.waiting !== undefined || newestBatch === undefined) return this.settle(session, ordinal);
    const echo: Echo = { session, batch: newestBatch, ackTo: ordinal };
    session.waiting = echo;
    this.echoes = [...this.echoes, echo];
    return [];
  }

  /** Acks for what repeated edits of batches up to `batch`. */
  echoed(batch: number): CoreEffect[] {
    const due = this.echoes.filter((echo) => echo.batch <= batch);
    if (due.length === 0) return [];
    this.echoes = this.echoes.filter((echo) => echo.batch > batch);
    return due.flatMap((echo) => {
      if (echo.session.waiting === echo) echo.session.waiting = undefined;
      return this.sessions.get(echo.session.id) === echo.session ? this.ack(echo.session, echo.ackTo, new Map()) : [];
    });
  }

  /** One ack per session for edits that are durable now. */
  durable(edits: readonly Settling[]): CoreEffect[] {
    const done = new Map<DocSession, Map<number, number>>();
    const updates = new Map<DocSession, number>();
    for (const edit of edits) {
      const session = edit.session === undefined ? undefined : this.sessions.get(edit.session);
      if (session === undefined) continue;
      if (session.waiting === edit) session.waiting = undefined;
      updates.set(session, edit.ackTo);
      const clocks = done.get(session) ?? new Map<number, number>();
      for (const { client, clock } of edit.clocks) clocks.set(client, clock);
      done.set(session, clocks);
    }
    return [...done].flatMap(([session, clocks]) => this.ack(session, updates.get(session) ?? 0, clocks));
  }

  private ack(session: DocSession, updates: number, clocks: ReadonlyMap<number, number>): CoreEffect[] {
    if (session.peer !== "sdk") return [];
    const list = [...clocks].slice(-ACK_CLOCKS).map(([client, clock]) => ({ client, clock }));
    const bytes = encodeMessage({ type: "ack", epoch: this.epoch, updates, level: "disk", clocks: list });
    return [{ kind: "send", session: session.id, bytes, droppable: false }];
  }
}
