/** A gear standing on its rim: teeth, spokes and a bore, turning with its counter. */
import { ExtrudeGeometry, Group, Path, Shape, TorusGeometry } from "three";
import type { ModelMaker } from "../models.ts";
import { asColor, asNumber } from "../models.ts";
import { tint } from "../materials.ts";
import { disposeGeometries, ease, fuse, put } from "./shapes.ts";

const TEETH = 14;
const TIP_M = 0.12;
const ROOT_M = 0.098;

export const gear: ModelMaker = (materials) => {
  const group = new Group();
  const metal = materials.own({ color: 0xd9a441, metal: 0.85, rough: 0.36 });
  const dark = materials.of({ color: 0x3a4154, metal: 0.8, rough: 0.4 });
  const wheel = new Group();
  const body = new ExtrudeGeometry(outline(), {
    depth: 0.045,
    bevelEnabled: true,
    bevelSize: 0.004,
    bevelThickness: 0.004,
    bevelSegments: 1,
    curveSegments: 5,
  });
  put(wheel, body.translate(0, 0, -0.0225), metal);
  put(wheel, new TorusGeometry(0.034, 0.009, 5, 16), dark, [0, 0, 0.026]);
  put(wheel, new TorusGeometry(0.034, 0.009, 5, 16), dark, [0, 0, -0.026]);
  group.add(fuse(wheel));

  let goal = 0;
  let angle = Number.NaN;
  return {
    group,
    heightM: 0.28,
    centreM: 0,
    radiusM: 0.17,
    shadowM: 0.32,
    update(fields) {
      tint(metal, asColor(fields["color"], 0xd9a441));
      goal = (asNumber(fields["turns"], 0) * Math.PI) / 4;
      if (Number.isNaN(angle)) angle = goal;
    },
    animate(_nowMs, deltaMs) {
      angle = ease(angle, goal, deltaMs, 120);
      wheel.rotation.z = angle;
    },
    dispose() {
      disposeGeometries(group);
      metal.dispose();
    },
  };
};

function outline(): Shape {
  const shape = new Shape();
  for (let tooth = 0; tooth < TEETH; tooth++) {
    const corners = [
      [0.0, ROOT_M],
      [0.27, ROOT_M],
      [0.36, TIP_M],
      [0.64, TIP_M],
      [0.73, ROOT_M],
    ] as const;
    for (const [part, radius] of corners) {
      const turn = ((tooth + part) / TEETH) * Math.PI * 2;
      if (tooth === 0 && part === 0) shape.moveTo(radius, 0);
      else shape.lineTo(Math.cos(turn) * radius, Math.sin(turn) * radius);
    }
  }
  shape.closePath();
  shape.holes.push(circle(0, 0, 0.028));
  for (let hole = 0; hole < 5; hole++) {
    const turn = (hole / 5) * Math.PI * 2;
    shape.holes.push(circle(Math.cos(turn) * 0.063, Math.sin(turn) * 0.063, 0.019));
  }
  return shape;
}

const circle = (x: number, y: number, radius: number): Path => new Path().absarc(x, y, radius, 0, Math.PI * 2, true) as Path;
