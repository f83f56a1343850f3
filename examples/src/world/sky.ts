/**
 * The evening sky: a gradient dome with a warm glow where the sun went down, a handful of stars, and three rows of hills.
 * It is drawn around the room's origin and never moves; nothing in it is a file.
 */
import {
  BackSide,
  BufferAttribute,
  BufferGeometry,
  Color,
  DoubleSide,
  Group,
  MathUtils,
  Mesh,
  MeshBasicMaterial,
  Points,
  PointsMaterial,
  SphereGeometry,
  Vector3,
} from "three";
import { PALETTE } from "./palette.ts";
import { seeded } from "./seeded.ts";

const DOME_M = 180;

/** The dome alone, also used as what metal reflects. Coloured by vertex: rows are dense near the horizon, where the colour changes most. */
export function createDome(): Mesh {
  const geometry = new SphereGeometry(DOME_M, 40, 56);
  const positions = geometry.getAttribute("position");
  const colors = new Float32Array(positions.count * 3);
  const direction = new Vector3();
  const color = new Color();
  for (let i = 0; i < positions.count; i++) {
    direction.fromBufferAttribute(positions, i).normalize();
    direction.y = Math.sign(direction.y) * Math.abs(direction.y) ** 1.7;
    direction.normalize();
    positions.setXYZ(i, direction.x * DOME_M, direction.y * DOME_M, direction.z * DOME_M);
    skyColor(direction, color).toArray(colors, i * 3);
  }
  geometry.setAttribute("color", new BufferAttribute(colors, 3));
  // Dithered: a dark gradient shows bands on 8-bit displays.
  const dome = new Mesh(geometry, new MeshBasicMaterial({ vertexColors: true, side: BackSide, depthWrite: false, fog: false, dithering: true }));
  dome.renderOrder = -10;
  dome.name = "sky";
  return dome;
}

const SKY = Object.fromEntries(
  (["zenith", "upperSky", "lowerSky", "horizon", "ground"] as const).map((name) => [name, new Color(PALETTE[name])]),
) as Record<"zenith" | "upperSky" | "lowerSky" | "horizon" | "ground", Color>;
/** Where the sun went down, horizontally. */
const WEST = new Vector3(-0.33, 0, -0.944);

function skyColor(direction: Vector3, out: Color): Color {
  const height = direction.y;
  if (height < -0.03) return out.copy(SKY.ground);
  const west = 0.5 + 0.5 * direction.dot(WEST);
  out.lerpColors(SKY.lowerSky, SKY.upperSky, MathUtils.smoothstep(height, 0.02, 0.3)).lerp(SKY.zenith, MathUtils.smoothstep(height, 0.22, 0.85));
  out.lerp(SKY.horizon, Math.exp(-Math.abs(height - 0.015) * 9) * (0.25 + 0.75 * west * west));
  const glow = west ** 24 * Math.exp(-Math.abs(height - 0.03) * 5) * 0.35;
  out.r += SKY.horizon.r * glow;
  out.g += SKY.horizon.g * glow;
  out.b += SKY.horizon.b * glow;
  return out;
}

export function createSky(): Group {
  const group = new Group();
  group.add(createDome(), stars(), hills(120, 15, 0x6b6288, 3), hills(95, 10, 0x474a70, 7), hills(72, 6.5, 0x2a3152, 11));
  for (const child of group.children) child.matrixAutoUpdate = false;
  return group;
}

function stars(): Points {
  const random = seeded(41);
  const positions: number[] = [];
  const colors: number[] = [];
  for (let i = 0; i < 420; i++) {
    const turn = random() * Math.PI * 2;
    const height = 0.2 + 0.8 * random();
    const flat = Math.sqrt(1 - height * height);
    positions.push(Math.cos(turn) * flat * 170, height * 170, Math.sin(turn) * flat * 170);
    const brightness = 0.15 + 0.75 * random() ** 3;
    colors.push(brightness * 0.92, brightness * 0.95, brightness);
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(positions), 3));
  geometry.setAttribute("color", new BufferAttribute(new Float32Array(colors), 3));
  const material = new PointsMaterial({ size: 1.6, sizeAttenuation: false, vertexColors: true, transparent: true, depthWrite: false, fog: false });
  const points = new Points(geometry, material);
  points.renderOrder = -9;
  return points;
}

/** A ring of hills: a strip whose upper edge is a sum of a few waves; paler towards its foot, as haze is. */
function hills(radiusM: number, heightM: number, color: number, seed: number): Mesh {
  const random = seeded(seed);
  const waves = [3, 5, 9, 17].map((turns) => ({ turns, phase: random() * 7, gain: 1 / turns ** 0.7 }));
  const steps = 160;
  const positions: number[] = [];
  const colors: number[] = [];
  const crest = new Color(color);
  const foot = crest.clone().lerp(new Color(PALETTE.haze), 0.55);
  const index: number[] = [];
  for (let i = 0; i <= steps; i++) {
    const turn = (i / steps) * Math.PI * 2;
    const wave = waves.reduce((sum, w) => sum + Math.sin(turn * w.turns + w.phase) * w.gain, 0);
    const top = heightM * (0.45 + 0.28 * wave);
    const x = Math.cos(turn) * radiusM;
    const z = Math.sin(turn) * radiusM;
    positions.push(x, -6, z, x, Math.max(0.6, top), z);
    colors.push(foot.r, foot.g, foot.b, crest.r, crest.g, crest.b);
    if (i < steps) index.push(i * 2, i * 2 + 1, i * 2 + 2, i * 2 + 1, i * 2 + 3, i * 2 + 2);
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(positions), 3));
  geometry.setAttribute("color", new BufferAttribute(new Float32Array(colors), 3));
  geometry.setIndex(index);
  const mesh = new Mesh(geometry, new MeshBasicMaterial({ vertexColors: true, side: DoubleSide, fog: false }));
  mesh.renderOrder = -8;
  return mesh;
}
