/**
 * Baked light: the static world is merged into one mesh whose vertex colours already hold the evening's light, so that drawing the whole
 * environment costs one draw call and no lighting arithmetic per pixel (software renderers and phones included).
 *
 * The light is a sky dome, a low warm sun from the left front, warm pools under the lamps, and darker ground contact.
 */
import { BufferAttribute, type BufferGeometry, Color, type Matrix4, Mesh, MeshBasicMaterial, Vector3 } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";
import { PALETTE } from "./palette.ts";

export type Part = {
  readonly geometry: BufferGeometry;
  readonly matrix: Matrix4;
  readonly color: number;
  /** 0: lit by the scene only; 1 and more: shines by itself. */
  readonly glow?: number;
  /** Every face its own shade, as a cut stone. */
  readonly faceted?: boolean;
};
/** A warm pool of light: where it hangs, how far it reaches (m), how bright it is. */
export type Pool = { readonly position: Vector3; readonly reachM: number; readonly strength: number };

const SUN = new Vector3(-0.62, 0.55, 0.56).normalize();
const sunColor = new Color(PALETTE.warmLight).multiplyScalar(0.95);
const skyColor = new Color(0x9aa8dc).multiplyScalar(0.66);
const bounceColor = new Color(0x59463f).multiplyScalar(0.5);
const poolColor = new Color(0xffbf8a);

/** Merges `parts` into one mesh; the parts' geometries are consumed. */
export function bake(parts: readonly Part[], pools: readonly Pool[]): Mesh {
  const geometries = parts.map((part) => {
    const flat = part.geometry.index === null ? part.geometry : part.geometry.toNonIndexed();
    flat.applyMatrix4(part.matrix);
    for (const name of Object.keys(flat.attributes)) if (name !== "position" && name !== "normal") flat.deleteAttribute(name);
    if (part.faceted === true) flat.computeVertexNormals();
    flat.setAttribute("color", light(flat, part, pools));
    return flat;
  });
  const merged = mergeGeometries(geometries);
  for (const geometry of geometries) geometry.dispose();
  const mesh = new Mesh(merged, new MeshBasicMaterial({ vertexColors: true }));
  mesh.matrixAutoUpdate = false;
  mesh.name = "environment";
  return mesh;
}

function light(geometry: BufferGeometry, part: Part, pools: readonly Pool[]): BufferAttribute {
  const positions = geometry.getAttribute("position");
  const normals = geometry.getAttribute("normal");
  const colors = new Float32Array(positions.count * 3);
  const base = new Color(part.color);
  const at = new Vector3();
  const normal = new Vector3();
  const sum = new Color();
  for (let i = 0; i < positions.count; i++) {
    at.fromBufferAttribute(positions, i);
    normal.fromBufferAttribute(normals, i);
    irradiance(at, normal, pools, sum);
    const glow = part.glow ?? 0;
    colors[i * 3] = base.r * (sum.r * (glow > 0 ? 0.25 : 1) + glow);
    colors[i * 3 + 1] = base.g * (sum.g * (glow > 0 ? 0.25 : 1) + glow);
    colors[i * 3 + 2] = base.b * (sum.b * (glow > 0 ? 0.25 : 1) + glow);
  }
  return new BufferAttribute(colors, 3);
}

const toPool = new Vector3();
/** Light arriving at a surface point, into `out`. */
function irradiance(at: Vector3, normal: Vector3, pools: readonly Pool[], out: Color): void {
  const up = normal.y * 0.5 + 0.5;
  // Contact darkening: corners near the floor see less sky.
  const open = 0.55 + 0.45 * Math.min(1, Math.max(0, at.y) / 0.7);
  const sun = Math.max(0, normal.dot(SUN));
  out.setRGB(
    (skyColor.r * up + bounceColor.r * (1 - up)) * open + sunColor.r * sun,
    (skyColor.g * up + bounceColor.g * (1 - up)) * open + sunColor.g * sun,
    (skyColor.b * up + bounceColor.b * (1 - up)) * open + sunColor.b * sun,
  );
  for (const pool of pools) {
    toPool.copy(pool.position).sub(at);
    const distance = toPool.length();
    const facing = Math.max(0, normal.dot(toPool) / Math.max(distance, 0.05)) * 0.85 + 0.15;
    const gain = pool.strength * facing * Math.max(0, 1 - distance / pool.reachM) ** 2;
    out.r += poolColor.r * gain;
    out.g += poolColor.g * gain;
    out.b += poolColor.b * gain;
  }
}
