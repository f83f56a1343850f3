/**
 * A hand drawn from its joints: one rounded bone from each joint to the one before it, all in one draw call. Enough to see what fingers do;
 * an application with a skinned model poses that from the same joints.
 *
 * [JH1] One geometry for all hands; the material is the caller's, who disposes it.
 */
import { InstancedMesh, type Material, Matrix4, Quaternion, SphereGeometry, Vector3 } from "three";
import { DEVICE_FLOATS } from "@copresence/shared/pose";
import type { HandJoints } from "../../core/space-types.ts";

const JOINTS = 25;
/** The joint that a bone comes from, for joints 1 to 24. */
const BONE_FROM = [0, 1, 2, 3, 0, 5, 6, 7, 8, 0, 10, 11, 12, 13, 0, 15, 16, 17, 18, 0, 20, 21, 22, 23] as const;
const THICK_M = 0.013;
const FINGER_M = 0.0085;
const TIP_M = 0.0065;

const bone = new SphereGeometry(1, 10, 8);
const along = new Vector3();
const middle = new Vector3();
const size = new Vector3();
const turn = new Quaternion();
const placed = new Matrix4();
const Z = new Vector3(0, 0, 1);

export class JointedHand {
  /** In the joints' own frame: add it where the avatar is. */
  readonly object: InstancedMesh;

  constructor(material: Material) {
    this.object = new InstancedMesh(bone, material, JOINTS - 1);
    this.object.castShadow = true;
    this.object.frustumCulled = false;
    this.object.visible = false;
  }

  /** Draws `joints` (175 floats), or nothing. */
  update(joints: HandJoints | undefined): void {
    this.object.visible = joints !== undefined;
    if (joints === undefined) return;
    for (let joint = 1; joint < JOINTS; joint++) {
      const to = joint * DEVICE_FLOATS;
      const from = (BONE_FROM[joint - 1] as number) * DEVICE_FLOATS;
      along.set(
        (joints[to] as number) - (joints[from] as number),
        (joints[to + 1] as number) - (joints[from + 1] as number),
        (joints[to + 2] as number) - (joints[from + 2] as number),
      );
      const length = along.length();
      middle.set(joints[from] as number, joints[from + 1] as number, joints[from + 2] as number).addScaledVector(along, 0.5);
      const thickness = thicknessOf(joint);
      size.set(thickness, thickness, length / 2 + thickness * 0.6);
      turn.setFromUnitVectors(Z, length > 1e-6 ? along.divideScalar(length) : Z);
      this.object.setMatrixAt(joint - 1, placed.compose(middle, turn, size));
    }
    this.object.instanceMatrix.needsUpdate = true;
  }

  dispose(): void {
    this.object.removeFromParent();
    this.object.dispose();
  }
}

/** Metacarpals make the palm; fingers taper. */
function thicknessOf(joint: number): number {
  if (joint === 1) return THICK_M;
  const place = joint < 5 ? joint : (joint - 5) % 5;
  if (joint >= 5 && place < 2) return THICK_M;
  return place === 4 ? TIP_M : FINGER_M;
}
