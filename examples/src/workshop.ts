/**
 * The workshop: the scene of the demo, as a studio would declare it. The browser imports it for its types, the server loads it as a
 * module (`COPRESENCE_SCENE`), so it may import nothing but `@copresence/shared/scene`.
 * Positions are in the room's frame: metres, +Y up, -Z forward.
 */
import { defineScene, type ObjectTransform, t } from "@copresence/shared/scene";

const person = { create: true, edit: true, grab: true, chat: true, moderate: false };

export const workshop = defineScene({
  name: "workshop",
  version: 1,
  bounds: { min: [-24, -1, -24], max: [24, 12, 24] },
  roles: {
    guest: { create: false, edit: false, grab: true, chat: true, moderate: false },
    member: person,
    moderator: { ...person, moderate: true },
  },
  objects: {
    valve: {
      transform: t.leased(),
      label: t.text(),
      open: t.lww(t.boolean()),
      turns: t.counter(),
      reservedBy: t.cas(t.string()),
      serial: t.serverOnly(t.string()),
    },
    lamp: { transform: t.leased(), label: t.text(), on: t.lww(t.boolean()), color: t.lww(t.color()) },
    crate: { transform: t.leased({ radiusM: 0.25 }), label: t.text(), color: t.lww(t.color()) },
    gear: { transform: t.leased({ radiusM: 0.12 }), label: t.text(), color: t.lww(t.color()), turns: t.counter() },
    globe: { transform: t.leased(), label: t.text(), spinning: t.lww(t.boolean()) },
    banner: { transform: t.leased({ throwable: false }), label: t.text(), color: t.lww(t.color()) },
  },
});
export default workshop;

/** Fields as plain values, texts as strings; those that only the server writes included. */
export type InitialObject = { readonly id: string; readonly type: string; readonly fields: Readonly<Record<string, unknown>> };

/** Upright at `x y z`, turned by `turns` of a full circle about +Y. */
const at = (x: number, y: number, z: number, turns = 0): ObjectTransform => ({
  position: [x, y, z],
  rotation: [0, Math.sin(turns * Math.PI), 0, Math.cos(turns * Math.PI)],
  scale: 1,
});

/** What the server puts into an empty document, once. */
export const initialObjects: readonly InitialObject[] = [
  { id: "valve-1", type: "valve", fields: { transform: at(-1.15, 0.95, -4.45), label: "Inlet valve", open: true, serial: "VX-1107" } },
  { id: "valve-2", type: "valve", fields: { transform: at(-0.62, 0.95, -4.5, 0.04), label: "Bypass", open: false, serial: "VX-1108" } },
  { id: "valve-3", type: "valve", fields: { transform: at(3.54, 1.0, -0.62, -0.2), label: "Main shut-off valve", open: false, serial: "VX-2203" } },
  { id: "lamp-1", type: "lamp", fields: { transform: at(1.25, 0.95, -4.55), label: "Bench lantern", on: true, color: "#ffb35c" } },
  { id: "lamp-2", type: "lamp", fields: { transform: at(-2.76, 1.0, -2.31), label: "Signal lantern", on: true, color: "#5ce0c6" } },
  { id: "gear-1", type: "gear", fields: { transform: at(0.1, 1.07, -4.5, 0.02), label: "Drive gear", color: "#d9a441" } },
  { id: "gear-2", type: "gear", fields: { transform: at(0.56, 1.07, -4.42, -0.05), label: "Idler gear", color: "#b8c4d6" } },
  { id: "gear-3", type: "gear", fields: { transform: at(2.76, 1.12, -2.31, -0.12), label: "Test piece", color: "#e0784c" } },
  { id: "globe-1", type: "globe", fields: { transform: at(-3.54, 1.0, -0.62), label: "Site globe", spinning: true } },
  { id: "crate-1", type: "crate", fields: { transform: at(4.7, 0.25, -3.3, 0.06), label: "Spare parts", color: "#c98a52" } },
  { id: "crate-2", type: "crate", fields: { transform: at(5.3, 0.25, -2.75, -0.03), label: "Gaskets and seals", color: "#6f93b5" } },
  { id: "crate-3", type: "crate", fields: { transform: at(4.95, 0.75, -3.1, 0.1), label: "Fragile: sensors", color: "#b56f7e" } },
  { id: "banner-1", type: "banner", fields: { transform: at(-4.9, 0, -3.2, 0.12), label: "Welcome to the workshop", color: "#4f6bd8" } },
];
