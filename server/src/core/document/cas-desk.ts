/**
 * Compare-and-set, judged by the room: a write to a `cas` field stands only if the value its author saw is still the newest. The room makes the
 * write itself, so a lost race leaves nothing behind in anybody's replica and costs one small message, not the document anew.
 *
 * [CS1] The observed version is the Yjs id of the value the author's replica shows; the newest is what is in the document or waits for the disk.
 * [CS2] Winner and loser are answered once what decided the race is durable, after everybody was sent it: the loser's answer carries the value
 *       that everybody sees.
 */
import type { SessionId } from "@copresence/shared/base";
import { type DeniedReason, encodeMessage, type MessageOf, plainValue, wireValue } from "@copresence/shared/protocol";
import { isPlainValue } from "@copresence/shared/scene";
import type { ID } from "yjs";
import type { CoreEffect, Identity } from "../types.ts";
import type { Gate } from "./gate.ts";
import { fieldPlace, idKey } from "./places.ts";
import type { Denial } from "./policy.ts";

export type CasAsk = MessageOf<"cas">;
/** What an ask meets: `map` is the newest write of its object, `room` why nothing can be taken at the moment. */
export type CasSituation = { readonly identity: Identity; readonly gate: Gate; readonly map: ID | null; readonly room: Denial | undefined };
type Answer = { readonly session: SessionId; readonly batch: number; readonly ask: CasAsk; readonly reason: DeniedReason | undefined };

/** Answers that may wait for the disk; beyond it the queue of edits is full as well. */
const ANSWERS_MAX = 4096;

export class CasDesk {
  private waiting: Answer[] = [];
  private readonly valueOf: (object: string, field: string) => unknown;

  /** `valueOf` reads a field of the durable document. */
  constructor(valueOf: (object: string, field: string) => unknown) {
    this.valueOf = valueOf;
  }

  /** Why the ask does not stand, or undefined. */
  fault(ask: CasAsk, { identity, gate, map, room }: CasSituation): DeniedReason | undefined {
    const { object, field, seen } = ask;
    const spec = map === null ? undefined : gate.specOf(map, field);
    if (map === null || spec === undefined) return "unknown-object";
    if (spec.policy !== "cas" || !isPlainValue(spec.value, askedValue(ask))) return "malformed";
    const key = idKey(map.client, map.clock);
    if (!gate.may(identity, "edit", object, key)) return "not-allowed";
    if (room !== undefined) return room.reason;
    if (this.waiting.length >= ANSWERS_MAX) return "too-many";
    const newest = gate.newestWrite(fieldPlace(object, key, field));
    const same = newest === null ? seen === null : seen !== null && seen.client === newest.client && seen.clock === newest.clock;
    return same ? undefined : "lost-race";
  }

  /** Answers once `batch` is durable, at once when that is undefined. */
  answer(session: SessionId, ask: CasAsk, reason: DeniedReason | undefined, batch: number | undefined): CoreEffect[] {
    if (batch === undefined) return [this.result({ session, ask, reason, batch: 0 })];
    this.waiting.push({ session, ask, reason, batch });
    return [];
  }

  landed(batch: number): CoreEffect[] {
    if (this.waiting.length === 0) return [];
    const due = this.waiting.filter((answer) => answer.batch <= batch);
    this.waiting = this.waiting.filter((answer) => answer.batch > batch);
    return due.map((answer) => this.result(answer));
  }

  forget(session: SessionId): void {
    this.waiting = this.waiting.filter((answer) => answer.session !== session);
  }

  private result({ session, ask, reason }: Answer): CoreEffect {
    const { ref, object, field } = ask;
    const current = wireValue(this.valueOf(object, field));
    const bytes = encodeMessage({ type: "casResult", ref, object, field, won: reason === undefined, reason: reason ?? "lost-race", current });
    return { kind: "send", session, bytes, droppable: false };
  }
}

/** The asked value as the field would store it. */
export const askedValue = (ask: CasAsk): unknown => plainValue(ask.value);
