/** What the room keeps per person, from join to leave. */
import type { SessionId } from "@copresence/shared/base";
import type { RoleSpec } from "@copresence/shared/scene";
import type { PoseDesk } from "./pose-desk.ts";
import type { SessionLimits } from "./rate-limits.ts";
import type { RigDesk } from "./rig-desk.ts";
import type { Person } from "./types.ts";

export type Member = {
  readonly session: SessionId;
  /** What others may know; replaced as a whole when it changes. */
  person: Person;
  readonly role: RoleSpec;
  /** Index into PALETTE, returned on leave. */
  readonly colorIndex: number;
  readonly limits: SessionLimits;
  readonly rig: RigDesk;
  readonly poses: PoseDesk;
  /** Messages that could not be decoded, over the whole session. */
  strikes: number;
};

const NOBODY: RoleSpec = { create: false, edit: false, grab: false, chat: false, moderate: false };

/** A role that the scene does not declare may look and nothing else. Own properties only: a role's name comes from a ticket. */
export function roleOf(roles: Readonly<Record<string, RoleSpec>>, name: string): RoleSpec {
  return Object.hasOwn(roles, name) ? (roles[name] ?? NOBODY) : NOBODY;
}
