/** A small box of bricks for baked scenery: each call adds one coloured part. Positions are centres, metres; turns are about +Y, radians. */
import { BoxGeometry, type BufferGeometry, CylinderGeometry, Euler, IcosahedronGeometry, Matrix4, Quaternion, TorusGeometry, Vector3 } from "three";
import type { Part } from "./bake.ts";

export type Placing = { readonly turn?: number; readonly tilt?: number; readonly roll?: number; readonly glow?: number; readonly faceted?: boolean };

export class Kit {
  readonly parts: Part[] = [];

  add(geometry: BufferGeometry, color: number, x: number, y: number, z: number, placing: Placing = {}): void {
    const rotation = new Quaternion().setFromEuler(new Euler(placing.tilt ?? 0, placing.turn ?? 0, placing.roll ?? 0, "YXZ"));
    const matrix = new Matrix4().compose(new Vector3(x, y, z), rotation, new Vector3(1, 1, 1));
    this.parts.push({ geometry, matrix, color, glow: placing.glow ?? 0, faceted: placing.faceted ?? false });
  }

  /** Long boxes are divided so that pools of light show on them. */
  box(size: readonly [number, number, number], at: readonly [number, number, number], color: number, placing?: Placing): void {
    const cuts = size.map((length) => Math.min(16, Math.max(1, Math.round(length / 0.55))));
    this.add(new BoxGeometry(...size, cuts[0], cuts[1], cuts[2]), color, ...at, placing);
  }

  cylinder(
    radiusTop: number,
    radiusBottom: number,
    height: number,
    at: readonly [number, number, number],
    color: number,
    placing?: Placing & { sides?: number },
  ): void {
    this.add(
      new CylinderGeometry(radiusTop, radiusBottom, height, placing?.sides ?? 24, Math.max(1, Math.round(height / 0.4))),
      color,
      ...at,
      placing,
    );
  }

  ring(radius: number, tube: number, at: readonly [number, number, number], color: number, placing?: Placing): void {
    this.add(new TorusGeometry(radius, tube, 5, radius > 1 ? 96 : 26), color, ...at, { tilt: Math.PI / 2, ...placing });
  }

  rock(radius: number, at: readonly [number, number, number], color: number, detail = 1, placing?: Placing): void {
    this.add(new IcosahedronGeometry(radius, detail), color, ...at, { faceted: true, ...placing });
  }
}
