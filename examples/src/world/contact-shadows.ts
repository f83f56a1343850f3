/**
 * Soft round shadows below things and people: one instanced draw call. Each frame: `begin`, `add` for everything that stands or hovers,
 * `end`. They fade with height, which tells the eye how far above the floor something is.
 */
import { Euler, InstancedMesh, Matrix4, MeshBasicMaterial, PlaneGeometry, Quaternion, type Scene, Vector3 } from "three";
import { surfaceBelow } from "./environment.ts";
import { shadowTexture } from "./textures.ts";

/** Objects and people together; more than this simply cast none. */
const MAX_SHADOWS = 512;
const FADE_M = 2.4;

export class ContactShadows {
  private readonly mesh: InstancedMesh;
  private readonly matrix = new Matrix4();
  private readonly at = new Vector3();
  private readonly flat = new Quaternion().setFromEuler(new Euler(-Math.PI / 2, 0, 0));
  private readonly size = new Vector3(1, 1, 1);
  private count = 0;

  constructor(scene: Scene) {
    const material = new MeshBasicMaterial({
      map: shadowTexture(),
      transparent: true,
      depthWrite: false,
      polygonOffset: true,
      polygonOffsetFactor: -2,
    });
    this.mesh = new InstancedMesh(new PlaneGeometry(1, 1), material, MAX_SHADOWS);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = 1;
    this.mesh.name = "contact shadows";
    scene.add(this.mesh);
  }

  begin(): void {
    this.count = 0;
  }

  /** Something of `diameterM` with its lowest point near `x y z`. */
  add(x: number, y: number, z: number, diameterM: number): void {
    if (this.count === MAX_SHADOWS) return;
    const surface = surfaceBelow(x, y, z);
    const strength = 1 - Math.max(0, y - surface) / FADE_M;
    if (strength <= 0.02) return;
    // Without per-instance opacity the shadow shrinks as it fades.
    this.size.setScalar(diameterM * (0.35 + 0.65 * strength));
    this.matrix.compose(this.at.set(x, surface + 0.006, z), this.flat, this.size);
    this.mesh.setMatrixAt(this.count++, this.matrix);
  }

  end(): void {
    this.mesh.count = this.count;
    this.mesh.instanceMatrix.needsUpdate = true;
  }
}
