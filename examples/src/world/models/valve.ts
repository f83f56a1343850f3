/** A valve: short pipe with flanges, and a red hand wheel that turns with `turns` and when it is opened; a light says which. */
import { CylinderGeometry, Group, SphereGeometry, TorusGeometry } from "three";
import type { ModelMaker } from "../models.ts";
import { asNumber } from "../models.ts";
import { tint } from "../materials.ts";
import { disposeGeometries, ease, fuse, put } from "./shapes.ts";

const OPEN = 0x54e08a;
const SHUT = 0xff8a4c;

export const valve: ModelMaker = (materials) => {
  const group = new Group();
  const iron = materials.of({ color: 0x6d7890, metal: 0.75, rough: 0.42 });
  const dark = materials.of({ color: 0x39425a, metal: 0.7, rough: 0.5 });
  const red = materials.of({ color: 0xc8372f, metal: 0.15, rough: 0.42 });
  const light = materials.own({ color: SHUT, glow: 1 });
  put(group, new CylinderGeometry(0.062, 0.062, 0.34, 20), iron, [0, 0.085, 0], [0, 0, Math.PI / 2]);
  for (const side of [-1, 1]) put(group, new CylinderGeometry(0.085, 0.085, 0.03, 20), dark, [side * 0.165, 0.085, 0], [0, 0, Math.PI / 2]);
  put(group, new SphereGeometry(0.086, 14, 10), iron, [0, 0.09, 0]);
  put(group, new CylinderGeometry(0.04, 0.06, 0.1, 16), dark, [0, 0.18, 0]);
  put(group, new CylinderGeometry(0.013, 0.013, 0.14, 10), iron, [0, 0.28, 0]);
  put(group, new SphereGeometry(0.016, 10, 8), light, [0, 0.13, 0.082]);
  const wheel = new Group();
  wheel.position.y = 0.33;
  put(wheel, new TorusGeometry(0.125, 0.017, 7, 26), red, [0, 0, 0], [Math.PI / 2, 0, 0]);
  put(wheel, new CylinderGeometry(0.03, 0.034, 0.035, 14), red);
  for (let spoke = 0; spoke < 4; spoke++) {
    const turn = (spoke / 4) * Math.PI * 2;
    put(wheel, new CylinderGeometry(0.01, 0.013, 0.11, 8), red, [Math.sin(turn) * 0.07, 0, Math.cos(turn) * 0.07], [Math.PI / 2, 0, -turn]);
  }
  group.add(fuse(wheel));
  fuse(group);

  let goal = 0;
  let angle = Number.NaN;
  return {
    group,
    heightM: 0.5,
    centreM: 0.18,
    radiusM: 0.24,
    shadowM: 0.52,
    update(fields) {
      const open = fields["open"] === true;
      tint(light, open ? OPEN : SHUT, 1);
      goal = (open ? Math.PI * 1.5 : 0) + (asNumber(fields["turns"], 0) * Math.PI) / 2;
      if (Number.isNaN(angle)) angle = goal;
    },
    animate(_nowMs, deltaMs) {
      angle = ease(angle, goal, deltaMs, 120);
      wheel.rotation.y = -angle;
    },
    dispose() {
      disposeGeometries(group);
      light.dispose();
    },
  };
};
