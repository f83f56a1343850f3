/**
 * `defineScene`: a studio's declaration, checked once, frozen, and named by a hash that both ends compare (`welcome.definition`).
 *
 * [SD1] A wrong declaration throws at start-up with a sentence that names the place; nothing half-valid is returned.
 * [SD2] The hash depends on the declaration's meaning only (keys sorted), never on key order or the engine.
 * [SD3] At most one field of an object is `leased`, and it is called `transform`.
 */
import { isIdentifier } from "../base/index.ts";
import { isPlainValue, SCALE_MAX, SCALE_MIN } from "./values.ts";
import type { ObjectTransform } from "./fields.ts";
import type { Migrations } from "./migrate.ts";
import { type PermissionRule, RULES_MAX, scopeFault } from "./permissions.ts";
import type { BodySpec, Bounds, FieldSpec, ObjectSpec, RoleSpec, SceneSpec } from "./types.ts";

/** A checked, frozen scene. `hash` is 16 hex digits. */
export type Scene<S extends SceneSpec = SceneSpec> = {
  readonly name: string;
  readonly version: number;
  readonly bounds: S["bounds"];
  readonly roles: S["roles"];
  readonly objects: S["objects"];
  readonly zones?: Readonly<Record<string, Bounds>>;
  readonly permissions?: readonly PermissionRule[];
  readonly migrations?: Migrations;
  readonly hash: string;
};

export type TypeNames<S extends SceneSpec> = keyof S["objects"] & string;
export type FieldValue<F> = F extends FieldSpec<infer T, any> ? T : never;
/** The fields of one object type, as plain typed values. */
export type FieldsOf<O extends ObjectSpec> = { readonly [K in keyof O]: FieldValue<O[K]> };
/** One object of a scene: `SceneObject<typeof spec, "valve">["fields"]["open"]` is `boolean`. */
export type SceneObject<S extends SceneSpec, N extends TypeNames<S> = TypeNames<S>> =
  N extends TypeNames<S> ? { readonly id: string; readonly type: N; readonly fields: FieldsOf<S["objects"][N]> } : never;
/** What may be given when an object is created: everything but what only the server writes. */
export type InitOf<O extends ObjectSpec> = {
  readonly [K in keyof O as O[K] extends FieldSpec<any, "serverOnly"> ? never : K]?: O[K] extends FieldSpec<any, "leased">
    ? Partial<ObjectTransform>
    : FieldValue<O[K]>;
};

/** Usual roles: guests look, talk and pick up; members also edit and create; moderators also moderate. */
export const defaultRoles = {
  guest: { create: false, edit: false, grab: true, chat: true, moderate: false },
  member: { create: true, edit: true, grab: true, chat: true, moderate: false },
  moderator: { create: true, edit: true, grab: true, chat: true, moderate: true },
} as const satisfies Record<string, RoleSpec>;

/** Most object types and fields a scene may declare: more is a mistake, and both are walked per edit. */
const TYPES_MAX = 256;
const FIELDS_MAX = 64;
const MAX_EXTENT_M = 4096;

/** Checks and freezes a declaration. Throws a TypeError with a sentence when it is wrong [SD1]. */
export function defineScene<const S extends SceneSpec>(spec: S): Scene<S> {
  mustBeRecord("the declaration", spec);
  for (const key of Object.keys(spec)) if (!KEYS.has(key) && key !== DERIVED) fail(key, `is no part of a scene; it has ${[...KEYS].join(", ")}`);
  checkName("scene", spec.name);
  if (!Number.isInteger(spec.version) || spec.version < 1) fail("version", "must be a whole number from 1");
  checkBounds("bounds", spec.bounds);
  for (const [zone, bounds] of spec.zones === undefined ? [] : entries("zones", spec.zones, TYPES_MAX)) checkBounds(`zones.${zone}`, bounds);
  for (const [name, role] of entries("roles", spec.roles, TYPES_MAX)) checkRole(name, role);
  for (const [type, fields] of entries("objects", spec.objects, TYPES_MAX)) {
    for (const [name, field] of entries(`objects.${type}`, fields, FIELDS_MAX)) checkField(`objects.${type}.${name}`, name, field);
  }
  checkPermissions(spec);
  checkMigrations(spec);
  const { migrations, ...declared } = spec;
  const { name, version, bounds, roles, objects, zones, permissions } = structuredCloneJson(declared) as S;
  const core = { name, version, bounds, roles, objects };
  // Absent parts are absent from the hash too: a scene without zones is named as it always was.
  const meaning = { ...core, ...(zones === undefined ? {} : { zones }), ...(permissions === undefined ? {} : { permissions }) };
  return deepFreeze({
    ...meaning,
    ...(migrations === undefined ? {} : { migrations: { ...migrations } }),
    hash: hashText(canonical(meaning)),
  }) as Scene<S>;
}

function fail(where: string, what: string): never {
  throw new TypeError(`defineScene: ${where} ${what}.`);
}

function mustBeRecord(where: string, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(where, "is missing, or is no object of names and what they mean");
}
/** What a scene declares; a misspelt part would be left out in silence. */
const KEYS = new Set(["name", "version", "bounds", "roles", "objects", "zones", "permissions", "migrations"]);
/** A checked scene has it, and may be the start of the next: `defineScene({ ...scene, version: 2 })`. It is worked out anew. */
const DERIVED = "hash";

function checkName(where: string, name: string): void {
  if (!isIdentifier(name)) fail(where, `has the name ${JSON.stringify(name)}, which is not an identifier (A-Z a-z 0-9 _ -, up to 64, not reserved)`);
}

function entries<T>(where: string, record: Readonly<Record<string, T>>, max: number): [string, T][] {
  mustBeRecord(where, record);
  const list = Object.entries(record);
  if (list.length === 0) fail(where, "is empty");
  if (list.length > max) fail(where, `has ${list.length} entries; the most is ${max}`);
  for (const [name] of list) checkName(where, name);
  return list;
}

function checkBounds(where: string, bounds: Bounds): void {
  mustBeRecord(where, bounds);
  if (!Array.isArray(bounds.min) || !Array.isArray(bounds.max)) fail(where, "must be { min: [x, y, z], max: [x, y, z] }");
  for (const axis of [0, 1, 2] as const) {
    const min = bounds.min[axis];
    const max = bounds.max[axis];
    if (!Number.isFinite(min) || !Number.isFinite(max) || min >= max) fail(where, "must be finite with min below max on every axis");
    if (Math.abs(min) > MAX_EXTENT_M || Math.abs(max) > MAX_EXTENT_M) fail(where, `must stay within ${MAX_EXTENT_M} m of the origin`);
  }
}

function checkPermissions(spec: SceneSpec): void {
  const { permissions = [], roles, objects, zones } = spec;
  if (!Array.isArray(permissions)) fail("permissions", "must be a list of rules");
  if (permissions.length > RULES_MAX) fail("permissions", `has ${permissions.length} rules; the most is ${RULES_MAX}`);
  for (const [index, rule] of permissions.entries()) {
    mustBeRecord(`permissions[${index}]`, rule);
    const fault = scopeFault({ roles, objects, ...(zones === undefined ? {} : { zones }) }, rule);
    if (fault !== undefined) fail(`permissions[${index}]`, `is wrong: ${fault}`);
    if (typeof rule.allow !== "boolean") fail(`permissions[${index}]`, 'must say true or false for "allow"');
  }
}

function checkMigrations({ migrations = {}, version }: SceneSpec): void {
  for (const [to, migrate] of Object.entries(migrations)) {
    const number = Number(to);
    if (!Number.isInteger(number) || number < 2 || number > version) fail(`migrations[${to}]`, `is none: they lead to versions 2 to ${version}`);
    if (typeof migrate !== "function") fail(`migrations[${to}]`, "is not a function");
  }
}

function checkRole(name: string, role: RoleSpec): void {
  mustBeRecord(`roles.${name}`, role);
  for (const right of ["create", "edit", "grab", "chat", "moderate"] as const) {
    if (typeof role[right] !== "boolean") fail(`roles.${name}`, `must say true or false for "${right}"`);
  }
}

const POLICIES: ReadonlySet<unknown> = new Set(["lww", "text", "list", "set", "counter", "leased", "cas", "serverOnly"]);

function checkField(where: string, name: string, field: FieldSpec): void {
  const policy: unknown = typeof field === "object" && field !== null ? field.policy : undefined;
  if (!POLICIES.has(policy)) fail(where, `has no known policy (${String(policy)}); use t.lww(t.boolean()), t.text(), t.counter() or another of t's`);
  if (name === "type") fail(where, 'may not be called "type": every object has one already');
  if ((field.policy === "leased") !== (name === "transform")) fail(where, 'is wrong: exactly the field "transform" is t.leased()');
  if (["lww", "cas", "serverOnly"].includes(field.policy) && !isPlainValue(field.value, field.initial)) {
    fail(where, `has an initial value that is not a ${field.value}`);
  }
  if (field.body !== undefined) checkBody(where, field.policy, field.body);
}

const BODY_KEYS = new Set(["radiusM", "throwable", "falls", "tumbles", "handover", "scale"]);
const FLAGS = ["throwable", "falls", "tumbles", "handover"] as const;
const RADIUS_MAX_M = 100;

function checkBody(where: string, policy: string, body: BodySpec): void {
  if (policy !== "leased") fail(where, "has a body, which only t.leased() takes");
  mustBeRecord(`${where}'s body`, body);
  for (const key of Object.keys(body)) if (!BODY_KEYS.has(key)) fail(where, `has no "${key}" in its body; it has ${[...BODY_KEYS].join(", ")}`);
  for (const flag of FLAGS) if (!["undefined", "boolean"].includes(typeof body[flag])) fail(where, `must say true or false for "${flag}"`);
  const { radiusM = 0, scale = [1, 1] } = body;
  if (!Array.isArray(scale)) fail(where, "has a scale that is not [smallest, largest]");
  if (!(radiusM >= 0 && radiusM <= RADIUS_MAX_M)) fail(where, `has a radiusM that is not 0 to ${RADIUS_MAX_M}`);
  const [min, max] = scale;
  if (!(scale.length === 2 && min >= SCALE_MIN && max <= SCALE_MAX && min <= max)) {
    fail(where, `has a scale that is not [smallest, largest] within ${SCALE_MIN} to ${SCALE_MAX}`);
  }
}

/** A declaration is plain JSON; functions, undefined and cycles have no business in it. */
function structuredCloneJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}

/** Two 32-bit multiply-xor lanes (cyrb53's mixing): a name for a definition, not a signature. */
function hashText(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return hex(a) + hex(b);
}

const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, "0");
