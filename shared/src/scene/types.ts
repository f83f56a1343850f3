/**
 * What a studio declares and what flows from it. The Yjs layout is OBJECTS.md's: root map `objects`: id -> Y.Map of fields.
 * Every object's Y.Map also holds `type` (string) and, if declared, `transform` as `[x,y,z,qx,qy,qz,qw,scale]` (m, unit quaternion).
 */
import type { Vec3 } from "../base/index.ts";
import type { Migrations } from "./migrate.ts";
import type { PermissionRule } from "./permissions.ts";

export type Bounds = { readonly min: Vec3; readonly max: Vec3 };
export type FieldPolicy = "lww" | "text" | "list" | "set" | "counter" | "leased" | "cas" | "serverOnly";
export type ValueType = "boolean" | "number" | "string" | "color";

/** How a leased object behaves in hands and when thrown (shared/motion). Everything has a default; absent means what scenes without it always meant. */
export type BodySpec = {
  /** Of a ball around the object's origin at scale 1: how far it stays from floor and walls when thrown, m. Default 0. */
  readonly radiusM?: number;
  /** False: let go of at any speed, it stays there. Default true. */
  readonly throwable?: boolean;
  /** True: it falls even when let go of slowly. Default false. */
  readonly falls?: boolean;
  /** True: it rests as it fell. Default false: it stands up where it lands. */
  readonly tumbles?: boolean;
  /** True: somebody else may take it out of a hand. Default false: a second person is refused until it is let go. */
  readonly handover?: boolean;
  /** Smallest and largest scale two hands give it; equal: it cannot be scaled. Default 0.1 to 10. */
  readonly scale?: readonly [number, number];
};

/** One declared field. `T` is the TypeScript type of its value as the SDK shows it. */
export type FieldSpec<T = unknown, P extends FieldPolicy = FieldPolicy> = {
  readonly policy: P;
  readonly value: ValueType | "transform" | "text";
  readonly initial?: T;
  /** `leased` only. */
  readonly body?: BodySpec;
  /** Phantom: carries the value type, never present at run time. */
  readonly "~type"?: T;
};
export type ObjectSpec = Readonly<Record<string, FieldSpec<any, any>>>;

export type RoleSpec = {
  /** May create and delete objects. */
  readonly create: boolean;
  /** May edit fields of objects; rules for types, zones and single objects go before it (permissions.ts). */
  readonly edit: boolean;
  readonly grab: boolean;
  readonly chat: boolean;
  readonly moderate: boolean;
};

export type SceneSpec = {
  readonly name: string;
  readonly version: number;
  readonly bounds: Bounds;
  readonly roles: Readonly<Record<string, RoleSpec>>;
  readonly objects: Readonly<Record<string, ObjectSpec>>;
  /** Parts of the space that rules can be about. */
  readonly zones?: Readonly<Record<string, Bounds>>;
  /** Rules the scene begins with; a moderator may change them while the room runs. */
  readonly permissions?: readonly PermissionRule[];
  /** How documents of older versions become ones of this version; see migrate.ts. Not part of the hash: they run on the server only. */
  readonly migrations?: Migrations;
};

/** A plain snapshot of an object, as search, bots and examples read it. */
export type PlainObject = { readonly id: string; readonly type: string; readonly fields: Readonly<Record<string, unknown>> };
