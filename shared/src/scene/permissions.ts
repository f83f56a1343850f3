/**
 * Who may create, edit, grab and delete what: the roles' rights, and rules over them for types, zones and single objects. Both ends use it: the
 * room to decide, the SDK to refuse early. The rules live in server tables, never in the document.
 *
 * [PE1] The narrowest rule decides: object before zone before type before the whole scene; on one target a person before a role before
 *       everybody; where two of the same breadth disagree (two zones), the one that forbids.
 * [PE2] No rule: the role's own right (`create` stands for deleting too). A role the scene does not declare has none.
 * [PE3] Who may moderate is bound by no rule, so nobody locks everybody out.
 * [PE4] An object is in the zones its resting place lies in; that place is the server's to write, so nobody moves out of a rule.
 */
import { isIdentifier, type Vec3 } from "../base/index.ts";
import type { Scene } from "./define-scene.ts";
import type { RoleSpec } from "./types.ts";
import { inBounds } from "./values.ts";

export const RIGHTS = ["create", "edit", "grab", "delete"] as const;
export type Right = (typeof RIGHTS)[number];
export const RULE_TARGETS = ["scene", "type", "zone", "object"] as const;
export const RULE_SUBJECTS = ["everybody", "role", "user"] as const;

export type PermissionScope = {
  readonly target: (typeof RULE_TARGETS)[number];
  /** Of the type, zone or object; "" for the whole scene. */
  readonly name: string;
  readonly to: (typeof RULE_SUBJECTS)[number];
  /** The role or the user; "" for everybody. */
  readonly who: string;
  readonly right: Right;
};
export type PermissionRule = PermissionScope & { readonly allow: boolean };
/** What a right is asked for; `position` is where the object rests, or will. */
export type PermissionSubject = { readonly object: string; readonly type: string | undefined; readonly position: Vec3 | undefined };
export type PermissionPerson = { readonly user: string; readonly role: string };

/** Rules of one space: more is a list nobody oversees. */
export const RULES_MAX = 256;

export class PermissionTable {
  private readonly scene: Scene;
  /** Above every rule, not stored, nobody's rule: who may change nothing for now, and what nobody may change but those who moderate. */
  readonly frozen = new Set<string>();
  readonly quarantined = new Set<string>();
  /** By `scopeKey`; the definition's own, then those set while the room runs. */
  private readonly base: ReadonlyMap<string, PermissionRule>;
  private readonly own = new Map<string, PermissionRule>();
  private merged: ReadonlyMap<string, PermissionRule>;
  private zoned = false;

  constructor(scene: Scene) {
    this.scene = scene;
    this.base = new Map((scene.permissions ?? []).map((rule) => [scopeKey(rule), rule]));
    this.merged = this.base;
    this.merge();
  }

  /** Every rule in force. */
  rules(): readonly PermissionRule[] {
    return [...this.merged.values()];
  }

  /** Rules set while the room runs, as they are stored. */
  ownRules(): readonly PermissionRule[] {
    return [...this.own.values()];
  }

  /** Sets a rule, or with `allow` undefined takes the one of this scope back to what the definition says. False when there are too many. */
  set(scope: PermissionScope, allow: boolean | undefined): boolean {
    const { target, name, to, who, right } = scope;
    const key = scopeKey(scope);
    if (allow === undefined) this.own.delete(key);
    else {
      if (!this.own.has(key) && this.own.size >= RULES_MAX) return false;
      this.own.set(key, { target, name, to, who, right, allow });
    }
    this.merge();
    return true;
  }

  may(person: PermissionPerson, right: Right, subject: PermissionSubject): boolean {
    const role = this.roleOf(person);
    if (role?.moderate === true) return true;
    if (this.frozen.has(person.user) || this.quarantined.has(subject.object)) return false;
    for (const target of this.targets(subject)) {
      const verdict = this.verdict(target, person, right);
      if (verdict !== undefined) return verdict;
    }
    return role !== undefined && (right === "delete" ? role.create : role[right]);
  }

  /** Whether this person may write anything at all. */
  mayWrite(person: PermissionPerson): boolean {
    const role = this.roleOf(person);
    if (role?.moderate === true || role?.create === true || role?.edit === true) return true;
    return this.rules().some((rule) => rule.allow && rule.right !== "grab" && concerns(rule, person));
  }

  /** Rules this person may know of: those about them or everybody, all for those who moderate. */
  visibleTo(person: PermissionPerson): readonly PermissionRule[] {
    return this.rules().filter((rule) => this.isVisible(rule, person));
  }

  isVisible(scope: PermissionScope, person: PermissionPerson): boolean {
    return this.roleOf(person)?.moderate === true || concerns(scope, person);
  }

  private roleOf({ role }: PermissionPerson): RoleSpec | undefined {
    return Object.hasOwn(this.scene.roles, role) ? this.scene.roles[role] : undefined;
  }

  /** Names of what a rule may be about, narrowest first; names of one breadth together. */
  private *targets({ object, type, position }: PermissionSubject): Iterable<readonly string[]> {
    if (this.merged.size === 0) return;
    yield [`object/${object}`];
    if (this.zoned && position !== undefined) {
      const zones = Object.entries(this.scene.zones ?? {}).filter(([, bounds]) => inBounds(position, bounds));
      yield zones.map(([name]) => `zone/${name}`);
    }
    if (type !== undefined) yield [`type/${type}`];
    yield ["scene/"];
  }

  private verdict(targets: readonly string[], { user, role }: PermissionPerson, right: Right): boolean | undefined {
    for (const subject of [`user/${user}`, `role/${role}`, "everybody/"]) {
      const rules = targets.map((target) => this.merged.get(`${target}/${subject}/${right}`)).filter((rule) => rule !== undefined);
      if (rules.length > 0) return rules.every(({ allow }) => allow);
    }
    return undefined;
  }

  private merge(): void {
    this.merged = new Map([...this.base, ...this.own]);
    this.zoned = this.rules().some(({ target }) => target === "zone");
  }
}

const scopeKey = ({ target, name, to, who, right }: PermissionScope): string => `${target}/${name}/${to}/${who}/${right}`;

const concerns = ({ to, who }: PermissionScope, { user, role }: PermissionPerson): boolean =>
  to === "everybody" || (to === "role" ? who === role : who === user);

/** What is wrong with a scope for this scene, as the end of a sentence; undefined when nothing is. */
export function scopeFault(scene: Pick<Scene, "roles" | "objects" | "zones">, { target, name, to, who, right }: PermissionScope): string | undefined {
  if (!RIGHTS.includes(right)) return `there is no right "${String(right)}"`;
  if (target === "scene" ? name !== "" : !isIdentifier(name)) return "a rule names the type, zone or object it is about, or nothing for the scene";
  if (target === "type" && !Object.hasOwn(scene.objects, name)) return `the scene declares no type "${name}"`;
  if (target === "zone" && !Object.hasOwn(scene.zones ?? {}, name)) return `the scene declares no zone "${name}"`;
  if (!RULE_TARGETS.includes(target)) return `a rule is about no "${String(target)}"`;
  if (to === "everybody" ? who !== "" : !isIdentifier(who)) return "a rule names the role or user it is for, or nobody for everybody";
  if (to === "role" && !Object.hasOwn(scene.roles, who)) return `the scene declares no role "${who}"`;
  return RULE_SUBJECTS.includes(to) ? undefined : `a rule is for no "${String(to)}"`;
}
