/**
 * One's own hands, as only oneself sees them: in XR one's fingers or two slim controllers, with rays, on the desktop a thin tether from the lower right to
 * what is carried. Others see the avatar's hands instead.
 */
import {
  AdditiveBlending,
  BufferAttribute,
  BufferGeometry,
  CylinderGeometry,
  Group,
  Line,
  LineBasicMaterial,
  Mesh,
  type Scene,
  SphereGeometry,
  TorusGeometry,
  Vector3,
} from "three";
import type { HandJoints } from "@copresence/client";
import { JointedHand } from "@copresence/client/three";
import type { Materials } from "./materials.ts";

const IDLE_RAY_M = 1.2;

export class OwnHands {
  readonly groups: readonly [Group, Group];
  private readonly fingers: readonly [JointedHand, JointedHand];
  private readonly rays: readonly [Line, Line];
  private readonly tether: Line;
  private readonly from = new Vector3();

  constructor(scene: Scene, rig: Group, materials: Materials) {
    this.groups = [controller(materials), controller(materials)];
    this.rays = [line(0xbfd4ff, 0.55), line(0xbfd4ff, 0.55)];
    this.tether = line(0xffc98a, 0.7);
    const skin = materials.of({ color: 0xdfe5f2, rough: 0.5 });
    this.fingers = [new JointedHand(skin), new JointedHand(skin)];
    rig.add(...this.groups, ...this.fingers.map(({ object }) => object));
    scene.add(...this.rays, this.tether);
    this.hide();
  }

  hide(): void {
    for (const object of [...this.groups, ...this.rays, this.tether]) object.visible = false;
    for (const fingers of this.fingers) fingers.update(undefined);
  }

  /** XR: bare hands, in the play space; instead of the controller. */
  showFingers(index: 0 | 1, joints: HandJoints | undefined): void {
    this.fingers[index].update(joints);
    if (joints !== undefined) this.groups[index].visible = false;
  }

  /** XR: a ray from each tracked hand; `lengthM` undefined draws it short and faint. */
  showRay(index: 0 | 1, origin: Vector3, direction: Vector3, lengthM: number | undefined): void {
    const ray = this.rays[index];
    this.groups[index].visible = true;
    ray.visible = true;
    (ray.material as LineBasicMaterial).opacity = lengthM === undefined ? 0.18 : 0.6;
    span(
      ray,
      origin,
      this.from
        .copy(direction)
        .multiplyScalar(lengthM ?? IDLE_RAY_M)
        .add(origin),
    );
  }

  hideHand(index: 0 | 1): void {
    this.groups[index].visible = false;
    this.rays[index].visible = false;
    this.fingers[index].update(undefined);
  }

  /** Desktop: from below the eye to what is carried. */
  showTether(camera: { localToWorld(vector: Vector3): Vector3 }, to: Vector3 | undefined): void {
    this.tether.visible = to !== undefined;
    if (to !== undefined) span(this.tether, camera.localToWorld(this.from.set(0.28, -0.24, -0.45)), to);
  }
}

function controller(materials: Materials): Group {
  const group = new Group();
  const shell = materials.of({ color: 0xdfe5f2, rough: 0.4, metal: 0.1 });
  const dark = materials.of({ color: 0x2b3142, rough: 0.6 });
  const grip = new Mesh(new CylinderGeometry(0.017, 0.014, 0.11, 14).rotateX(Math.PI / 2 - 0.25).translate(0, -0.01, 0.02), dark);
  const top = new Mesh(new SphereGeometry(0.026, 16, 12).scale(1, 0.7, 1.2).translate(0, 0.006, -0.036), shell);
  const ring = new Mesh(new TorusGeometry(0.036, 0.0055, 8, 28).rotateX(0.5).translate(0, 0.006, -0.062), shell);
  group.add(grip, top, ring);
  return group;
}

function line(color: number, opacity: number): Line {
  const geometry = new BufferGeometry().setAttribute("position", new BufferAttribute(new Float32Array(6), 3));
  const made = new Line(
    geometry,
    new LineBasicMaterial({ color, transparent: true, opacity, blending: AdditiveBlending, depthWrite: false, toneMapped: false }),
  );
  made.frustumCulled = false;
  return made;
}

function span(target: Line, from: Vector3, to: Vector3): void {
  const positions = target.geometry.getAttribute("position");
  positions.setXYZ(0, from.x, from.y, from.z);
  positions.setXYZ(1, to.x, to.y, to.z);
  positions.needsUpdate = true;
}
