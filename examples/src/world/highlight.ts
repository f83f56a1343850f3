/**
 * How something is pointed out in the world: an outline (hovered, selected) and, for search results, a beam of light with a ring at its
 * foot. The outline is the model's own meshes drawn again, grown and inside out, so it fits any shape.
 */
import {
  AdditiveBlending,
  BackSide,
  CylinderGeometry,
  DoubleSide,
  Group,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  RingGeometry,
  ShaderMaterial,
  Color,
} from "three";

const outlineMaterials = new Map<number, MeshBasicMaterial>();

/** A grown, inside-out copy of `model`'s meshes, to be added below it. Geometries are shared with the model. */
export function createOutline(model: Object3D, color: number, growM = 0.012): Group {
  let material = outlineMaterials.get(color);
  if (material === undefined) {
    material = new MeshBasicMaterial({ color, side: BackSide, toneMapped: false, fog: false });
    material.onBeforeCompile = (shader) => {
      shader.vertexShader = shader.vertexShader.replace(
        "#include <begin_vertex>",
        `vec3 transformed = position + normalize(normal + vec3(1e-5)) * ${growM.toFixed(4)};`,
      );
    };
    outlineMaterials.set(color, material);
  }
  const group = new Group();
  model.updateWorldMatrix(true, true);
  const toModel = model.matrixWorld.clone().invert();
  model.traverse((child) => {
    if (!(child instanceof Mesh) || child.material instanceof ShaderMaterial) return;
    const copy = new Mesh(child.geometry, material);
    copy.matrixAutoUpdate = false;
    copy.matrix.multiplyMatrices(toModel, child.matrixWorld);
    copy.raycast = () => undefined;
    group.add(copy);
  });
  group.name = "outline";
  return group;
}

const vertex = /* glsl */ `
  varying vec2 at;
  void main() {
    at = uv;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }`;
const fragment = /* glsl */ `
  uniform vec3 color;
  uniform float strength, time;
  varying vec2 at;
  void main() {
    float rise = pow(1.0 - at.y, 1.6);
    float flow = 0.82 + 0.18 * sin(at.y * 16.0 - time * 2.4);
    gl_FragColor = vec4(color * rise * flow * strength, 1.0);
  }`;

/** A beam of light at a place, for search results. */
export class Beam {
  readonly group = new Group();
  private readonly light: ShaderMaterial;
  private readonly ring: Mesh<RingGeometry, MeshBasicMaterial>;

  constructor(color: number) {
    const uniforms = { color: { value: new Color(color) }, strength: { value: 0.5 }, time: { value: 0 } };
    this.light = new ShaderMaterial({
      vertexShader: vertex,
      fragmentShader: fragment,
      uniforms,
      transparent: true,
      depthWrite: false,
      blending: AdditiveBlending,
      side: DoubleSide,
      fog: false,
    });
    const column = new Mesh(new CylinderGeometry(0.16, 0.24, 4.5, 20, 1, true).translate(0, 2.25, 0), this.light);
    this.ring = new Mesh(
      new RingGeometry(0.3, 0.335, 40).rotateX(-Math.PI / 2),
      new MeshBasicMaterial({ color, transparent: true, depthWrite: false, blending: AdditiveBlending, toneMapped: false }),
    );
    this.ring.position.y = 0.02;
    this.group.add(column, this.ring);
    this.group.renderOrder = 4;
  }

  /** `rank` 0 is the best hit and the brightest. */
  animate(nowMs: number, rank: number): void {
    this.light.uniforms["time"]!.value = nowMs / 1000;
    this.light.uniforms["strength"]!.value = 0.4 / (1 + rank * 0.55);
    const pulse = (nowMs / 1600) % 1;
    this.ring.scale.setScalar(0.8 + pulse * 0.7);
    this.ring.material.opacity = (1 - pulse) * (rank === 0 ? 0.9 : 0.5);
  }

  dispose(): void {
    this.light.dispose();
    this.ring.material.dispose();
    for (const child of this.group.children) if (child instanceof Mesh) child.geometry.dispose();
  }
}
