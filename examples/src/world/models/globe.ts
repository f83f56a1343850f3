/** A globe on a brass stand, faceted land and sea, turning while `spinning`. */
import { BufferAttribute, Color, CylinderGeometry, Group, IcosahedronGeometry, TorusGeometry, Vector3 } from "three";
import type { ModelMaker } from "../models.ts";
import { disposeGeometries, ease, fuse, put } from "./shapes.ts";

const RADIUS_M = 0.17;

export const globe: ModelMaker = (materials) => {
  const group = new Group();
  const brass = materials.of({ color: 0xb08a4a, metal: 0.9, rough: 0.32 });
  const wood = materials.of({ color: 0x5f4230, rough: 0.6 });
  const planetLook = materials.of({ color: 0xffffff, vertexColors: true, flat: true, rough: 0.7, metal: 0.05 });
  put(group, new CylinderGeometry(0.12, 0.14, 0.035, 28), wood, [0, 0.018, 0]);
  put(group, new CylinderGeometry(0.014, 0.02, 0.1, 12), brass, [0, 0.08, 0]);
  const tilted = new Group();
  tilted.position.y = 0.33;
  tilted.rotation.z = -0.41;
  put(tilted, new TorusGeometry(RADIUS_M + 0.025, 0.009, 6, 32, Math.PI * 1.05), brass, [0, 0, 0], [0, 0, Math.PI * 0.98]);
  put(tilted, new CylinderGeometry(0.005, 0.005, (RADIUS_M + 0.03) * 2, 8), brass);
  fuse(tilted);
  fuse(group);
  const planet = put(tilted, earth(), planetLook);
  group.add(tilted);

  let goal = 0;
  let speed = 0;
  return {
    group,
    heightM: 0.68,
    centreM: 0.31,
    radiusM: 0.27,
    shadowM: 0.5,
    update(fields) {
      goal = fields["spinning"] === true ? 0.0007 : 0;
    },
    animate(_nowMs, deltaMs) {
      speed = ease(speed, goal, deltaMs, 300);
      planet.rotation.y += speed * deltaMs;
    },
    dispose() {
      disposeGeometries(group);
    },
  };
};

function earth(): IcosahedronGeometry {
  const geometry = new IcosahedronGeometry(RADIUS_M, 6);
  const positions = geometry.getAttribute("position");
  const colors = new Float32Array(positions.count * 3);
  const [sea, shelf, land, high, ice] = [0x2d6fa8, 0x3f8fbf, 0x6fa86a, 0xa89a6a, 0xe8eef5].map((hex) => new Color(hex)) as [
    Color,
    Color,
    Color,
    Color,
    Color,
  ];
  const middle = new Vector3();
  const corner = new Vector3();
  for (let i = 0; i < positions.count; i += 3) {
    middle.set(0, 0, 0);
    for (let c = 0; c < 3; c++) middle.add(corner.fromBufferAttribute(positions, i + c));
    middle.normalize();
    const height = relief(middle);
    const color = Math.abs(middle.y) > 0.9 ? ice : height > 0.62 ? high : height > 0.22 ? land : height > 0.1 ? shelf : sea;
    for (let c = 0; c < 3; c++) color.toArray(colors, (i + c) * 3);
    // Land stands a little above the sea, so that the light finds the coasts.
    for (let c = 0; c < 3; c++) {
      corner.fromBufferAttribute(positions, i + c).setLength(RADIUS_M * (height > 0.22 ? 1.015 : 1));
      positions.setXYZ(i + c, corner.x, corner.y, corner.z);
    }
  }
  geometry.setAttribute("color", new BufferAttribute(colors, 3));
  geometry.computeVertexNormals();
  return geometry;
}

/** A few folded sines: enough for continents. */
function relief(at: Vector3): number {
  const a = Math.sin(at.x * 3.1 + 1.3) * Math.cos(at.y * 2.3 - 0.4) + Math.sin(at.z * 3.7 + at.x * 1.9);
  const b = Math.sin(at.x * 7.3 + at.y * 5.1) * Math.sin(at.z * 6.7 - at.y * 4.2);
  return a * 0.5 + b * 0.4;
}
