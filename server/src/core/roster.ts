/**
 * Who is here. Slots are dense indices into the pose plane's arrays.
 *
 * [RO1] `members` is sorted by slot; nothing that decides iterates a Map.
 * [RO2] A freed slot rests before it is used again, unless the room needs it, so that nothing still in flight for its last
 *       owner lands on the next.
 * [RO3] One member per user: whoever adds a second removes the first before.
 */
import { assert, type SessionId, type Slot } from "@copresence/shared/base";
import type { Member } from "./member.ts";

/** Longer than a frame, a chat line or a grab takes to arrive on the worst link that counts as one. */
export const SLOT_REST_MS = 2000;

export class Roster {
  /** Everybody, by slot. Do not write. */
  readonly members: Member[] = [];
  private readonly slots: (Member | undefined)[];
  private readonly freedMs: Float64Array;
  private readonly sessions = new Map<SessionId, Member>();
  private readonly users = new Map<string, Member>();

  constructor(capacity: number) {
    this.slots = Array.from({ length: capacity }, () => undefined);
    this.freedMs = new Float64Array(capacity).fill(-SLOT_REST_MS);
  }

  bySession(session: SessionId): Member | undefined {
    return this.sessions.get(session);
  }
  bySlot(slot: number): Member | undefined {
    return this.slots[slot];
  }
  byUser(user: string): Member | undefined {
    return this.users.get(user);
  }

  /** The lowest rested slot, else the lowest free one, else undefined: the room is full. */
  freeSlot(nowMs: number): Slot | undefined {
    let resting: number | undefined;
    for (let slot = 0; slot < this.slots.length; slot++) {
      if (this.slots[slot] !== undefined) continue;
      if (nowMs - (this.freedMs[slot] ?? 0) >= SLOT_REST_MS) return slot as Slot;
      resting ??= slot;
    }
    return resting as Slot | undefined;
  }

  add(member: Member): void {
    const { slot, user, session } = member.person;
    assert(this.slots[slot] === undefined && !this.users.has(user) && !this.sessions.has(session), "one member per slot, user and session");
    this.slots[slot] = member;
    this.sessions.set(session, member);
    this.users.set(user, member);
    const at = this.members.findIndex((other) => other.person.slot > slot);
    this.members.splice(at < 0 ? this.members.length : at, 0, member);
  }

  remove(member: Member, nowMs: number): void {
    const { slot, user, session } = member.person;
    assert(this.slots[slot] === member, "only who is here can be removed");
    this.slots[slot] = undefined;
    this.freedMs[slot] = nowMs;
    this.sessions.delete(session);
    this.users.delete(user);
    this.members.splice(this.members.indexOf(member), 1);
  }
}
