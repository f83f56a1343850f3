/**
 * Who may create, edit, grab, delete and find what: the roles' rights, and rules over them for types, zones and single objects. Both ends use it: the
 * room to decide, the SDK to refuse early. The rules live in server tables, never in the document.
 *
 * [PE1] The narrowest rule decides: object before zone before type before the whole scene; on one target a person before a role before
 *       everybody; where two of the same breadth disagree (two zones), the one that forbids.
 * [PE2] No rule: the role's own right (`create` stands for deleting too). A role the scene does not declare has none.
 * [PE3] Who may moderate is bound by no rule, so nobody locks everybody out.
 * [PE4] An object is in the zones its resting place lies in; that place is the server's to write, so nobody moves out of a rule.
 * [PE5] `find` is everybody's until a rule says otherwise. It is about questions the room answers (search, standing questions, descriptions); the
 *       document is shared with everybody in the space, so what must not reach somebody at all belongs into a space of its own.
 */
import { isIdentifier, type Vec3 } from "../base/index.ts";
import type { Scene } from "./define-scene.ts";
import type { Bounds, RoleSpec } from "./types.ts";
import { inBounds } from "./values.ts";

export const RIGHTS = ["create", "edit", "grab", "delete", "find"] as const;
export type Right = (typeof RIGHTS)[number];
/** Rights to change something. */
export const WRITE_RIGHTS = RIGHTS.filter((right) => right !== "find");
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
  /** Above every rule, not stored, nobody's rule: who may change nothing for now, and what nobody may change but those who moderate. Both still find. */
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
    if (right !== "find" && (this.frozen.has(person.user) || this.quarantined.has(subject.object))) return false;
    for (const target of this.targets(subject)) {
      const verdict = this.verdict(target, person, right);
      if (verdict !== undefined) return verdict.allow;
    }
    return standing(role, right);
  }

  /** All that decides about one right of one person, for those who know neither roles nor rules; undefined when they may everything. */
  resolve(person: PermissionPerson, right: Right): ResolvedRight | undefined {
    const role = this.roleOf(person);
    if (role?.moderate === true) return undefined;
    const otherwise = this.verdict(["scene/"], person, right)?.allow ?? standing(role, right);
    const named = new Map(this.rules().flatMap((rule) => (rule.right === right ? [[`${rule.target}/${rule.name}`, rule] as const] : [])));
    const [objects, types, zones]: [[string, boolean][], [string, boolean][], ResolvedRight["zones"][number][]] = [[], [], []];
    for (const [key, { target, name }] of named) {
      const verdict = this.verdict([key], person, right);
      if (verdict === undefined) continue;
      const zone = target === "zone" ? this.scene.zones?.[name] : undefined;
      if (target === "object") objects.push([name, verdict.allow]);
      else if (target === "type") types.push([name, verdict.allow]);
      else if (zone !== undefined) zones.push({ ...zone, ...verdict });
    }
    const forbids = !otherwise || [...objects, ...types].some(([, allow]) => !allow) || zones.some(({ allow }) => !allow);
    return forbids ? { otherwise, objects, types, zones } : undefined;
  }

  /** Whether this person may write anything at all. */
  mayWrite(person: PermissionPerson): boolean {
    const role = this.roleOf(person);
    if (role?.moderate === true || role?.create === true || role?.edit === true) return true;
    return this.rules().some((rule) => rule.allow && rule.right !== "grab" && rule.right !== "find" && concerns(rule, person));
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

  /** `rank`: how narrowly the rule that decides names whom it is for; 0 a person, 1 a role, 2 everybody. */
  private verdict(targets: readonly string[], { user, role }: PermissionPerson, right: Right): { allow: boolean; rank: number } | undefined {
    for (const [rank, subject] of [`user/${user}`, `role/${role}`, "everybody/"].entries()) {
      const rules = targets.map((target) => this.merged.get(`${target}/${subject}/${right}`)).filter((rule) => rule !== undefined);
      if (rules.length > 0) return { allow: rules.every(({ allow }) => allow), rank };
    }
    return undefined;
  }

  private merge(): void {
    this.merged = new Map([...this.base, ...this.own]);
    this.zoned = this.rules().some(({ target }) => target === "zone");
  }
}

/** What a role says of a right that no rule is about [PE2], [PE5]. */
const standing = (role: RoleSpec | undefined, right: Right): boolean =>
  right === "find" || (role !== undefined && (right === "delete" ? role.create : role[right]));

/** One right of one person as data. */
export type ResolvedRight = {
  readonly objects: readonly (readonly [id: string, allow: boolean])[];
  readonly zones: readonly (Bounds & { readonly allow: boolean; readonly rank: number })[];
  readonly types: readonly (readonly [type: string, allow: boolean])[];
  readonly otherwise: boolean;
};

/** `PermissionTable.may` from the resolved right [PE1]; made once per person and question, asked per object. */
export function judgeOf({ objects, zones, types, otherwise }: ResolvedRight): (subject: PermissionSubject) => boolean {
  const [byObject, byType] = [new Map(objects), new Map(types)];
  const inZone = (position: Vec3): boolean | undefined => {
    let [rank, allow]: [number, boolean | undefined] = [Infinity, undefined];
    for (const zone of zones) {
      if (zone.rank > rank || !inBounds(position, zone)) continue;
      allow = zone.allow && (zone.rank < rank || allow !== false);
      rank = zone.rank;
    }
    return allow;
  };
  return ({ object, type, position }) =>
    byObject.get(object) ??
    (zones.length === 0 || position === undefined ? undefined : inZone(position)) ??
    (type === undefined ? undefined : byType.get(type)) ??
    otherwise;
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
