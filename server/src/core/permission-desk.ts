/**
 * Rules over who may do what, changed by moderators while the room runs (shared/src/scene/permissions.ts).
 *
 * [PD1] A change is in force at once, for edits and grabs alike, and told to those it concerns when it is durable. While the store is in trouble
 *       it stays in force, its author is told that it is not saved, and it is written again when the store works.
 * [PD2] Rules are one note of the scene in the store, outside of the document; one that cannot be read keeps the room closed rather than open
 *       to everybody.
 */
import { err, ok, type Result, type SessionId } from "@copresence/shared/base";
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { type PermissionRule, PermissionTable, type Scene, scopeFault } from "@copresence/shared/scene";
import type { EffectSink } from "./effect-sink.ts";
import type { Member } from "./member.ts";
import { PERMISSIONS_NOTE } from "./note-keys.ts";
import type { Roster } from "./roster.ts";

type Waiting = { readonly write: number; readonly session: SessionId; readonly ref: number; readonly rule: Told };
type Told = MessageOf<"permissions">["rules"][number];

export class PermissionDesk {
  private readonly out: EffectSink;
  private readonly roster: Roster;
  private readonly scene: Scene;
  private readonly table: PermissionTable;
  private writes = 0;
  private waiting: Waiting[] = [];

  constructor(options: { readonly out: EffectSink; readonly roster: Roster; readonly scene: Scene; readonly table: PermissionTable }) {
    this.out = options.out;
    this.roster = options.roster;
    this.scene = options.scene;
    this.table = options.table;
  }

  /** Every rule that concerns somebody who comes in. */
  welcome({ session, person }: Member): void {
    const rules = this.table.visibleTo(person).map(({ allow, ...scope }) => ({ scope, allow }));
    if (rules.length > 0) this.out.send(session, { type: "permissions", all: true, rules: rules.slice(0, LIMITS.permissionRules) });
  }

  /** A moderator's change; true when it is in force now. */
  change(member: Member, { ref, scope, effect }: MessageOf<"permit">): boolean {
    const refuse = (reason: "not-allowed" | "malformed" | "too-many", sentence: string): false => {
      this.out.deny(member.session, ref, { reason, object: "", field: "", sentence });
      return false;
    };
    if (!member.role.moderate) return refuse("not-allowed", "Only a moderator changes who may do what.");
    const fault = scopeFault(this.scene, scope);
    if (fault !== undefined) return refuse("malformed", `This rule cannot be: ${fault}.`);
    if (!this.table.set(scope, effect === "clear" ? undefined : effect === "allow"))
      return refuse("too-many", "This space has as many rules as it can hold.");
    const allow = this.table.rules().find((rule) => sameScope(rule, scope))?.allow ?? null;
    this.waiting.push({ write: this.write(), session: member.session, ref, rule: { scope, allow } });
    return true;
  }

  /** The store's answer to a note of ours. */
  stored(write: number, durable: boolean, sentence: string): void {
    const due = this.waiting.filter((change) => change.write <= write);
    if (!durable) {
      for (const { session, ref } of due) {
        this.out.deny(session, ref, {
          reason: "read-only",
          object: "",
          field: "",
          sentence: `The rule is in force but not saved yet. ${sentence}`.slice(0, 200),
        });
      }
      return;
    }
    this.waiting = this.waiting.filter((change) => change.write > write);
    for (const { rule } of due) this.tell(rule);
  }

  /** Rules about somebody who is erased go; the store takes them out of its note by itself. */
  forgetPerson(user: string): void {
    for (const rule of this.table.ownRules()) if (rule.to === "user" && rule.who === user) this.table.set(rule, undefined);
    this.waiting = this.waiting.filter(({ rule: { scope } }) => scope.to !== "user" || scope.who !== user);
  }

  /** The store works again: what was not written is written. */
  recovered(): void {
    if (this.waiting.length === 0) return;
    const write = this.write();
    this.waiting = this.waiting.map((change) => ({ ...change, write }));
  }

  private tell(rule: Told): void {
    for (const { session, person } of this.roster.members) {
      if (this.table.isVisible(rule.scope, person)) this.out.send(session, { type: "permissions", all: false, rules: [rule] });
    }
  }

  private write(): number {
    this.out.push({ kind: "note", write: ++this.writes, key: PERMISSIONS_NOTE, value: encodeRules(this.table.ownRules()) });
    return this.writes;
  }
}

const sameScope = (a: Told["scope"], b: Told["scope"]): boolean =>
  a.target === b.target && a.name === b.name && a.to === b.to && a.who === b.who && a.right === b.right;

const encodeRules = (rules: readonly PermissionRule[]): Uint8Array => new TextEncoder().encode(JSON.stringify({ format: 1, rules }));

/** The table of a scene with the rules a store has of it [PD2]; rules about what the scene no longer declares are left out. */
export function loadPermissions(scene: Scene, note: Uint8Array | undefined): Result<PermissionTable, string> {
  const table = new PermissionTable(scene);
  if (note === undefined) return ok(table);
  try {
    const { format, rules } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(note)) as {
      format: unknown;
      rules: readonly PermissionRule[];
    };
    if (format !== 1) return err(`The space's permissions are of format ${String(format)}, this server reads format 1.`);
    for (const rule of rules) {
      if (typeof rule.allow !== "boolean") return err("The space's permissions cannot be read; restore them from a backup.");
      if (scopeFault(scene, rule) === undefined) table.set(rule, rule.allow);
    }
    return ok(table);
  } catch {
    return err("The space's permissions cannot be read; restore them from a backup.");
  }
}
