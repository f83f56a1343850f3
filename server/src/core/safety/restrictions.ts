/**
 * What moderation took from whom: lines, edits and grabs, presence; and which objects nobody may touch. By user, so that no new session
 * brings anything back. Everything here is taken back by the opposite call.
 *
 * [RS1] A frozen person's edits and grabs are refused by permission rules of the room, as any other edit without a right is.
 * [RS2] Bounded: USERS_MAX people; beyond, `set` refuses and says so.
 */
import { LIMITS } from "@copresence/shared/protocol";
import { type PermissionTable, RIGHTS } from "@copresence/shared/scene";
import { type Restriction, RESTRICTIONS } from "../types.ts";

const USERS_MAX = 4 * LIMITS.people;

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
    if (what === "freeze" && !this.freeze(user, on)) return false;
    if (after === 0) this.users.delete(user);
    else this.users.set(user, after);
    return true;
  }

  /** False when there are too many. */
  quarantine(object: string, on: boolean): boolean {
    return RIGHTS.every((right) => this.permissions.set({ target: "object", name: object, to: "everybody", who: "", right }, on ? false : undefined));
  }

  private freeze(user: string, on: boolean): boolean {
    return RIGHTS.every((right) => this.permissions.set({ target: "scene", name: "", to: "user", who: user, right }, on ? false : undefined));
  }
}
