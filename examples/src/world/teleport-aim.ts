/**
 * Choosing where to go: an arc from a hand (XR) or a straight ray from the eye (desktop), a ring where it lands, red where one may not
 * stand. Confirming moves the rig so that the person's head, not the play space's origin, arrives at the ring.
 */
import {
  BufferAttribute,
  BufferGeometry,
  CylinderGeometry,
  DoubleSide,
  Group,
  Line,
  LineBasicMaterial,
  Mesh,
  MeshBasicMaterial,
  type Ray,
  RingGeometry,
  type Scene,
  Vector3,
} from "three";
import type { Space } from "@copresence/client";
import { mayStand } from "./environment.ts";

const GOOD = 0x7df0d2;
const BAD = 0xff6b5e;
const POINTS = 40;
const STEP_S = 0.045;
const SPEED_M_S = 7;
const GRAVITY_M_S2 = 9.8;
const REACH_M = 14;
/** Rig yaw is in 1/65536 turn. */
const YAW_RAD = (Math.PI * 2) / 65_536;

export class TeleportAim {
  active = false;
  private allowed = false;
  private readonly target = new Vector3();
  private readonly marker = new Group();
  private readonly arc: Line<BufferGeometry, LineBasicMaterial>;
  private readonly material = new MeshBasicMaterial({
    color: GOOD,
    transparent: true,
    opacity: 0.85,
    side: DoubleSide,
    depthWrite: false,
    toneMapped: false,
  });
  private readonly at = new Vector3();
  private readonly velocity = new Vector3();

  constructor(scene: Scene) {
    const ring = new Mesh(new RingGeometry(0.27, 0.34, 40).rotateX(-Math.PI / 2), this.material);
    const dot = new Mesh(new RingGeometry(0, 0.07, 24).rotateX(-Math.PI / 2), this.material);
    const post = new Mesh(new CylinderGeometry(0.012, 0.012, 0.5, 8).translate(0, 0.25, 0), this.material);
    this.marker.add(ring, dot, post);
    const geometry = new BufferGeometry().setAttribute("position", new BufferAttribute(new Float32Array(POINTS * 3), 3));
    this.arc = new Line(geometry, new LineBasicMaterial({ color: GOOD, transparent: true, opacity: 0.9, toneMapped: false }));
    this.arc.frustumCulled = false;
    scene.add(this.marker, this.arc);
    this.cancel();
  }

  start(): void {
    this.active = true;
  }

  cancel(): void {
    this.active = false;
    this.marker.visible = false;
    this.arc.visible = false;
  }

  /** Desktop: where the ray meets the floor. */
  along(ray: Ray): void {
    const down = -ray.direction.y;
    const distance = down > 1e-3 ? ray.origin.y / down : Number.POSITIVE_INFINITY;
    if (distance < REACH_M) this.land(this.at.copy(ray.direction).multiplyScalar(distance).add(ray.origin));
    else this.miss();
    this.arc.visible = false;
  }

  /** XR: a thrown arc from a hand at `from` in unit direction `direction`. */
  throwFrom(from: Vector3, direction: Vector3): void {
    const positions = this.arc.geometry.getAttribute("position");
    this.at.copy(from);
    this.velocity.copy(direction).multiplyScalar(SPEED_M_S);
    let landed = false;
    for (let i = 0; i < POINTS; i++) {
      positions.setXYZ(i, this.at.x, Math.max(0.01, this.at.y), this.at.z);
      if (!landed) {
        this.velocity.y -= GRAVITY_M_S2 * STEP_S;
        this.at.addScaledVector(this.velocity, STEP_S);
        landed = this.at.y <= 0;
      }
    }
    positions.needsUpdate = true;
    if (landed) this.land(this.at);
    else this.miss();
    this.arc.visible = true;
    this.arc.material.color.setHex(this.allowed ? GOOD : BAD);
  }

  /** Goes there. `head` is the head's offset from the play space's origin, in the play space, m. */
  confirm(space: Space, head: { readonly x: number; readonly z: number }): void {
    if (this.active && this.allowed) {
      const yawRad = space.me.rig.yaw * YAW_RAD;
      const [sin, cos] = [Math.sin(yawRad), Math.cos(yawRad)];
      const x = this.target.x - (head.x * cos + head.z * sin);
      const z = this.target.z - (head.z * cos - head.x * sin);
      space.me.teleport({ position: [x, 0, z], yawRad });
    }
    this.cancel();
  }

  private land(at: Vector3): void {
    this.target.set(at.x, 0, at.z);
    this.allowed = mayStand(at.x, at.z);
    this.marker.position.set(at.x, 0.015, at.z);
    this.marker.visible = true;
    this.material.color.setHex(this.allowed ? GOOD : BAD);
  }

  private miss(): void {
    this.allowed = false;
    this.marker.visible = false;
  }
}
