/**
 * Everything that never moves, in four draw calls: sky, deck, baked furniture, and the island below. Also knows what is below a point,
 * for contact shadows and for where a teleport may land.
 */
import { AdditiveBlending, Group, type Scene, Sprite, SpriteMaterial, type Texture } from "three";
import { bake } from "./bake.ts";
import { createFloor, DECK_RADIUS_M } from "./floor.ts";
import { BENCH, furnish, PLINTHS, POOLS } from "./furniture.ts";
import { Kit } from "./kit.ts";
import { PALETTE } from "./palette.ts";
import { createSky } from "./sky.ts";
import { seeded } from "./seeded.ts";
import { glowTexture } from "./textures.ts";

/** Adds it all to `scene`. */
export function addEnvironment(scene: Scene): void {
  const kit = new Kit();
  island(kit);
  furnish(kit);
  const group = new Group();
  group.add(createSky(), createFloor(), bake(kit.parts, POOLS));
  const glow = glowTexture();
  for (const x of [-1.1, 0, 1.1]) group.add(halo(glow, x, 2.1, -4.2, 0.9));
  group.name = "workshop";
  scene.add(group);
}

/** The deck's rim and the rocky ground it stands on. */
function island(kit: Kit): void {
  kit.cylinder(DECK_RADIUS_M + 0.02, DECK_RADIUS_M + 0.02, 0.3, [0, -0.16, 0], PALETTE.steelDark, { sides: 96 });
  kit.ring(DECK_RADIUS_M + 0.03, 0.045, [0, 0.0, 0], PALETTE.steel);
  kit.cylinder(26, 44, 4, [0, -2.9, 0], 0x27304a, { sides: 72 });
  const random = seeded(23);
  for (let i = 0; i < 46; i++) {
    const turn = random() * Math.PI * 2;
    const away = DECK_RADIUS_M + 1.4 + random() * 12;
    const size = 0.18 + random() ** 2 * 0.9;
    kit.rock(size, [Math.cos(turn) * away, -0.9 + size * 0.2, Math.sin(turn) * away], random() < 0.5 ? 0x3b455e : 0x4a4f66, 0, {
      turn: random() * 6,
      tilt: random() * 3,
    });
  }
  // A few conifers at the edge of the light.
  for (let i = 0; i < 22; i++) {
    const turn = random() * Math.PI * 2;
    const away = DECK_RADIUS_M + 4 + random() * 13;
    const height = 2.2 + random() * 3;
    const x = Math.cos(turn) * away;
    const z = Math.sin(turn) * away;
    for (let tier = 0; tier < 3; tier++) {
      kit.cylinder(
        0,
        (0.95 - tier * 0.24) * (height / 4),
        height * 0.42,
        [x, -0.9 + height * (0.32 + tier * 0.25), z],
        tier === 0 ? 0x24423f : 0x2d4f49,
        { sides: 7, faceted: true },
      );
    }
  }
}

function halo(map: Texture, x: number, y: number, z: number, size: number): Sprite {
  const sprite = new Sprite(
    new SpriteMaterial({ map, color: PALETTE.warmLight, blending: AdditiveBlending, transparent: true, depthWrite: false, opacity: 0.5 }),
  );
  sprite.position.set(x, y, z);
  sprite.scale.setScalar(size);
  return sprite;
}

/** Height of the surface below a point (m): the bench, a plinth, the deck, or the ground beyond it. */
export function surfaceBelow(x: number, y: number, z: number): number {
  const slackM = 0.12;
  if (Math.abs(x - BENCH.x) < BENCH.halfWidthM && Math.abs(z - BENCH.z) < BENCH.halfDepthM && y > BENCH.topM - slackM) return BENCH.topM;
  for (const plinth of PLINTHS) {
    if (Math.hypot(x - plinth.x, z - plinth.z) < plinth.radiusM && y > plinth.topM - slackM) return plinth.topM;
  }
  return Math.hypot(x, z) < DECK_RADIUS_M ? 0 : -0.9;
}

/** Where a person may stand: the deck, clear of the bench. */
export function mayStand(x: number, z: number): boolean {
  const onBench = Math.abs(x - BENCH.x) < BENCH.halfWidthM + 0.25 && Math.abs(z - BENCH.z) < BENCH.halfDepthM + 0.3;
  return Math.hypot(x, z) < DECK_RADIUS_M - 0.4 && !onBench && z > -5.3 - Math.abs(x) * 0.02;
}
