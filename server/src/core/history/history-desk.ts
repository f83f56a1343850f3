/**
 * Who changed what, and taking it back.
 *
 * [HD1] Who may edit may read the history. Everybody may roll back their own changes, moderators anybody's, an object's and a period's.
 * [HD2] A rollback is an edit like any other: judged against what is there now, appended, fsynced, applied, sent; answered once durable.
 * [HD3] One question of a session at a time and a bounded number in all, because each replays the log; answers come in any order.
 */
import type { SessionId } from "@copresence/shared/base";
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import type { EffectSink } from "../effect-sink.ts";
import type { Member } from "../member.ts";
import type { Roster } from "../roster.ts";
import type { CoreEffect, CoreInput } from "../types.ts";
import type { PastAnswer, PastQuery, UndoneObject } from "./types.ts";

/** The part of the document this needs. */
export type RollbackDocument = {
  readonly readOnly: boolean;
  readonly queuedBatch: number;
  rollback(user: string, objects: readonly UndoneObject[]): { readonly effects: CoreEffect[]; readonly written: number };
};
type Asked = { readonly session: SessionId; readonly user: string; readonly ref: number };
type Written = { readonly session: SessionId; readonly ref: number; readonly batch: number; readonly changed: number; readonly kept: number };
type Refusal = "not-allowed" | "malformed" | "too-many" | "read-only";

export class HistoryDesk {
  private readonly out: EffectSink;
  private readonly roster: Roster;
  private readonly document: RollbackDocument;
  private readonly absorb: (effects: readonly CoreEffect[]) => void;
  private readonly asked = new Map<number, Asked>();
  private written: Written[] = [];
  private lastId = 0;

  constructor(options: {
    readonly out: EffectSink;
    readonly roster: Roster;
    readonly document: RollbackDocument;
    readonly absorb: (effects: readonly CoreEffect[]) => void;
  }) {
    this.out = options.out;
    this.roster = options.roster;
    this.document = options.document;
    this.absorb = options.absorb;
  }

  ask(member: Member, message: MessageOf<"historyAsk">): void {
    if (!member.role.edit && !member.role.moderate)
      return this.refuse(member.session, message.ref, "not-allowed", "Your role may not read the history.");
    const { by, object, sinceMs } = message;
    this.recall(member, message.ref, { kind: "list", by, object, sinceMs, limit: Math.max(1, Math.min(message.limit, LIMITS.historyEntries)) });
  }

  rollback(member: Member, { ref, by, object, sinceMs }: MessageOf<"rollback">): void {
    const { session, role, person } = member;
    const own = by === person.user;
    if (by === "" && object === "" && !(sinceMs > 0))
      return this.refuse(session, ref, "malformed", "A rollback names a person, an object or a moment.");
    if (!role.moderate && !(own && role.edit))
      return this.refuse(session, ref, "not-allowed", own ? "Your role may not edit." : "Only moderators may undo what others did.");
    if (this.document.readOnly) return this.refuse(session, ref, "read-only", "Edits cannot be saved at the moment; try again when they can.");
    this.recall(member, ref, { kind: "undo", by, object, sinceMs, limit: 0 });
  }

  recalled({ id, answer, sentence }: Extract<CoreInput, { kind: "recalled" }>): void {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    if (asked === undefined || this.roster.bySession(asked.session) === undefined) return;
    if (answer === undefined) return this.refuse(asked.session, asked.ref, "read-only", `The history cannot be read at the moment: ${sentence}`);
    if (answer.kind === "undo") return this.undo(asked, answer);
    if (answer.kind !== "list") return;
    const { startMs, more, entries } = answer;
    const wire = entries.map(({ fields, ...entry }) => ({ ...entry, fields: [...fields] }));
    this.out.send(asked.session, { type: "history", ref: asked.ref, startMs, more, entries: wire });
  }

  /** Answers the rollbacks that are durable with `batch`. */
  appended(batch: number): void {
    if (this.written.length === 0) return;
    const due = this.written.filter((rollback) => rollback.batch <= batch);
    this.written = this.written.filter((rollback) => rollback.batch > batch);
    for (const rollback of due) this.answer(rollback);
  }

  leave(session: SessionId): void {
    for (const [id, asked] of this.asked) if (asked.session === session) this.asked.delete(id);
    this.written = this.written.filter((rollback) => rollback.session !== session);
  }

  private recall(member: Member, ref: number, query: PastQuery): void {
    const { session, person } = member;
    const waits = [...this.asked.values(), ...this.written].some((other) => other.session === session);
    if (waits || this.asked.size >= LIMITS.recallsPending)
      return this.refuse(session, ref, "too-many", "The history is being read already; ask again in a moment.");
    const id = ++this.lastId;
    this.asked.set(id, { session, user: person.user, ref });
    this.out.push({ kind: "recall", id, query });
  }

  private undo({ session, user, ref }: Asked, { touched, objects }: Extract<PastAnswer, { kind: "undo" }>): void {
    if (this.document.readOnly) return this.refuse(session, ref, "read-only", "Edits cannot be saved at the moment; try again when they can.");
    const { effects, written } = this.document.rollback(user, objects);
    this.out.count("rollback");
    const answer = { session, ref, batch: this.document.queuedBatch, changed: written, kept: Math.max(0, touched - written) };
    this.absorb(effects);
    if (written === 0) this.answer(answer);
    else this.written.push(answer);
  }

  private answer({ session, ref, changed, kept }: Written): void {
    if (this.roster.bySession(session) !== undefined) this.out.send(session, { type: "rolledBack", ref, changed, kept });
  }

  private refuse(session: SessionId, ref: number, reason: Refusal, sentence: string): void {
    this.out.deny(session, ref, { reason, object: "", field: "", sentence });
  }
}
