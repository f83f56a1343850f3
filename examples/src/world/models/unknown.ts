/** What an object of a type this demo has no model for looks like: a small faceted marker. */
import { Group, IcosahedronGeometry } from "three";
import type { ModelMaker } from "../models.ts";
import { disposeGeometries, put } from "./shapes.ts";

export const unknown: ModelMaker = (materials) => {
  const group = new Group();
  put(group, new IcosahedronGeometry(0.15, 0), materials.of({ color: 0x9aa4bd, flat: true, metal: 0.2, rough: 0.5 }));
  return { group, heightM: 0.34, centreM: 0, radiusM: 0.2, shadowM: 0.35, update: () => undefined, dispose: () => disposeGeometries(group) };
};
