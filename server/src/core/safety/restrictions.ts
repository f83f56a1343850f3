/**
 * What moderation took from whom: lines, edits and grabs, presence; and which objects nobody may touch. By user, so that no new session
 * brings anything back. Everything here is taken back by the opposite call.
 *
 * [RS1] A frozen person's edits and grabs, and everybody's at an object in quarantine, are refused as any other without a right is, whatever the
 *       rules of the room say; they are no rules themselves, so that no moderator's rule is lost and none of this outlives its end in the store.
 * [RS2] Bounded: USERS_MAX people, OBJECTS_MAX objects; beyond, the call refuses and says so.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { PermissionTable } from "@copresence/shared/scene";
import { type Restriction, RESTRICTIONS } from "../types.ts";

const USERS_MAX = 4 * LIMITS.people;
const OBJECTS_MAX = 1024;

export class Restrictions {
  private readonly permissions: PermissionTable;
  /** One bit per restriction. */
  private readonly users = new Map<string, number>();

  constructor(permissions: PermissionTable) {
    this.permissions = permissions;
  }

  has(user: string, what: Restriction): boolean {
    return (((this.users.get(user) ?? 0) >> RESTRICTIONS.indexOf(what)) & 1) === 1;
  }

  /** False when there are too many. */
  set(user: string, what: Restriction, on: boolean): boolean {
    const before = this.users.get(user) ?? 0;
    const bit = 1 << RESTRICTIONS.indexOf(what);
    const after = on ? before | bit : before & ~bit;
    if (before === 0 && after !== 0 && this.users.size >= USERS_MAX) return false;
    if (what === "freeze") put(this.permissions.frozen, user, on);
    if (after === 0) this.users.delete(user);
    else this.users.set(user, after);
    return true;
  }

  /** False when there are too many. */
  quarantine(object: string, on: boolean): boolean {
    const { quarantined } = this.permissions;
    if (on && quarantined.size >= OBJECTS_MAX && !quarantined.has(object)) return false;
    put(quarantined, object, on);
    return true;
  }
}

const put = (set: Set<string>, name: string, on: boolean): void => void (on ? set.add(name) : set.delete(name));
