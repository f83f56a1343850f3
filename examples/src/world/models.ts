/**
 * What each object type looks like. A model is built once per object and told its fields when they change; `animate` runs each frame.
 *
 * [MD1] The origin is the object's grip: the middle of a gear or crate, the foot of what stands.
 * [MD2] `radiusM` and `heightM` are generous: picking and labels use them.
 */
import type { Group } from "three";
import type { Materials } from "./materials.ts";
import { banner } from "./models/banner.ts";
import { crate } from "./models/crate.ts";
import { gear } from "./models/gear.ts";
import { globe } from "./models/globe.ts";
import { lamp } from "./models/lamp.ts";
import { unknown } from "./models/unknown.ts";
import { valve } from "./models/valve.ts";

type Fields = Readonly<Record<string, unknown>>;
export type Model = {
  readonly group: Group;
  /** Distance of the label above the origin, m. */
  readonly heightM: number;
  /** Centre of the picking sphere above the origin, and its radius, m. */
  readonly centreM: number;
  readonly radiusM: number;
  /** Diameter of the contact shadow, m. */
  readonly shadowM: number;
  update(fields: Fields, label: string): void;
  animate?(nowMs: number, deltaMs: number): void;
  dispose(): void;
};
export type ModelMaker = (materials: Materials) => Model;

const MAKERS: Readonly<Record<string, ModelMaker>> = { valve, lamp, crate, gear, globe, banner };

/** A model for `type`; a plain marker for types this demo does not know. */
export function createModel(type: string, materials: Materials): Model {
  return (Object.hasOwn(MAKERS, type) ? (MAKERS[type] ?? unknown) : unknown)(materials);
}

export const asNumber = (value: unknown, otherwise: number): number => (typeof value === "number" && Number.isFinite(value) ? value : otherwise);

/** A `#rrggbb` field as 0xRRGGBB. */
export const asColor = (value: unknown, otherwise: number): number =>
  typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value) ? Number.parseInt(value.slice(1), 16) : otherwise;
