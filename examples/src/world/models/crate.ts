/** A crate: coloured panels in a wooden frame, steel corners. The origin is its middle. */
import { BoxGeometry, Group } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";
import type { ModelMaker } from "../models.ts";
import { asColor } from "../models.ts";
import { tint } from "../materials.ts";
import { disposeGeometries, put } from "./shapes.ts";

const EDGE_M = 0.5;

export const crate: ModelMaker = (materials) => {
  const group = new Group();
  const panel = materials.own({ color: 0xc98a52, rough: 0.8 });
  const wood = materials.of({ color: 0xa98460, rough: 0.8 });
  const steel = materials.of({ color: 0x545d70, metal: 0.7, rough: 0.45 });
  put(group, new BoxGeometry(EDGE_M - 0.035, EDGE_M - 0.035, EDGE_M - 0.035), panel);
  const half = EDGE_M / 2 - 0.025;
  const slats: BoxGeometry[] = [];
  const corners: BoxGeometry[] = [];
  for (const a of [-half, half]) {
    for (const b of [-half, half]) {
      slats.push(box(EDGE_M - 0.01, 0.05, 0.05, 0, a, b), box(0.05, EDGE_M - 0.01, 0.05, a, 0, b), box(0.05, 0.05, EDGE_M - 0.01, a, b, 0));
      for (const c of [-half, half]) corners.push(box(0.07, 0.07, 0.07, a, b, c));
    }
  }
  for (const face of [-1, 1])
    slats.push(box(EDGE_M - 0.1, 0.055, 0.012, 0, 0, face * (half + 0.009)), box(0.012, 0.055, EDGE_M - 0.1, face * (half + 0.009), 0, 0));
  put(group, mergeGeometries(slats), wood);
  put(group, mergeGeometries(corners), steel);
  return {
    group,
    heightM: 0.44,
    centreM: 0,
    radiusM: 0.36,
    shadowM: 0.95,
    update(fields) {
      tint(panel, asColor(fields["color"], 0xc98a52));
    },
    dispose() {
      disposeGeometries(group);
      panel.dispose();
    },
  };
};

const box = (w: number, h: number, d: number, x: number, y: number, z: number): BoxGeometry =>
  new BoxGeometry(w, h, d).translate(x, y, z) as BoxGeometry;
