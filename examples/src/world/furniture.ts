/** What stands on the deck: the workbench under its pergola, the plinths, the planters, and the lamps that light them. */
import { SphereGeometry, Vector3 } from "three";
import type { Pool } from "./bake.ts";
import type { Kit } from "./kit.ts";
import { PALETTE } from "./palette.ts";
import { seeded } from "./seeded.ts";

export const BENCH = { x: 0, z: -4.5, halfWidthM: 1.7, halfDepthM: 0.45, topM: 0.95 } as const;
/** Plinths: an arc of places to show one thing each. */
export const PLINTHS = [
  { x: -3.54, z: -0.62 },
  { x: -2.76, z: -2.31 },
  { x: 2.76, z: -2.31 },
  { x: 3.54, z: -0.62 },
].map((at) => ({ ...at, radiusM: 0.34, topM: 1 }));

const LAMP_POSTS = [
  { x: -1.1, z: -4.2 },
  { x: 0, z: -4.2 },
  { x: 1.1, z: -4.2 },
];

export const POOLS: readonly Pool[] = [
  ...LAMP_POSTS.map(({ x, z }) => ({ position: new Vector3(x, 2.05, z), reachM: 3.4, strength: 1.05 })),
  ...PLINTHS.map(({ x, z }) => ({ position: new Vector3(x, 1.5, z + 0.1), reachM: 1.4, strength: 0.35 })),
  { position: new Vector3(0, 0.9, -5.9), reachM: 5, strength: 0.5 },
];

export function furnish(kit: Kit): void {
  workbench(kit);
  screen(kit);
  pergola(kit);
  for (const plinth of PLINTHS) {
    kit.cylinder(0.34, 0.4, 0.92, [plinth.x, 0.46, plinth.z], PALETTE.stone, { sides: 40 });
    kit.cylinder(0.36, 0.36, 0.04, [plinth.x, 0.98, plinth.z], 0xb9bdcb, { sides: 40 });
    kit.ring(0.352, 0.009, [plinth.x, 0.945, plinth.z], PALETTE.inlay, { glow: 1.5 });
    kit.ring(0.44, 0.02, [plinth.x, 0.02, plinth.z], PALETTE.steelDark);
  }
  planters(kit);
}

function workbench(kit: Kit): void {
  const { x, z, topM } = BENCH;
  for (let plank = 0; plank < 5; plank++) {
    kit.box([3.4, 0.07, 0.174], [x, topM - 0.035, z - 0.36 + plank * 0.18], plank % 2 === 0 ? PALETTE.wood : 0x85684e);
  }
  kit.box([3.3, 0.1, 0.05], [x, topM - 0.13, z + 0.4], PALETTE.woodDark);
  for (const side of [-1, 1]) {
    kit.box([0.09, topM - 0.07, 0.09], [x + side * 1.58, (topM - 0.07) / 2, z + 0.36], PALETTE.steelDark);
    kit.box([0.09, topM - 0.07, 0.09], [x + side * 1.58, (topM - 0.07) / 2, z - 0.36], PALETTE.steelDark);
    kit.box([0.05, 0.06, 0.7], [x + side * 1.58, 0.16, z], PALETTE.steelDark);
  }
  kit.box([3.1, 0.05, 0.7], [x, 0.24, z], PALETTE.woodDark);
  // A drawer block under the right half, and rolls of material on the shelf.
  kit.box([0.9, 0.42, 0.66], [x + 1.0, 0.62, z], PALETTE.steel);
  for (let drawer = 0; drawer < 3; drawer++) {
    kit.box([0.82, 0.115, 0.02], [x + 1.0, 0.475 + drawer * 0.14, z + 0.335], 0x6f7c92);
    kit.box([0.22, 0.018, 0.03], [x + 1.0, 0.5 + drawer * 0.14, z + 0.355], PALETTE.inlay);
  }
  const rolls = [0x8fa3c9, 0xc98f6f, 0x7fa58a, 0xb8a06a];
  rolls.forEach((color, i) => kit.cylinder(0.075, 0.075, 0.6, [x - 1.2 + i * 0.24, 0.345, z], color, { tilt: Math.PI / 2, sides: 16 }));
  // A vice at the left end.
  kit.box([0.16, 0.1, 0.2], [x - 1.52, topM + 0.05, z + 0.3], 0x44608a);
  kit.box([0.16, 0.13, 0.05], [x - 1.52, topM + 0.09, z + 0.46], 0x44608a);
  kit.cylinder(0.012, 0.012, 0.3, [x - 1.52, topM + 0.04, z + 0.52], 0xb9bdcb, { roll: Math.PI / 2, sides: 10 });
}

/** The slatted screen behind the bench, with a tool board and a warm strip of light at its foot. */
function screen(kit: Kit): void {
  const panels = 7;
  for (let p = 0; p < panels; p++) {
    const turn = (p - (panels - 1) / 2) * 0.235;
    const x = Math.sin(turn) * 6.3;
    const z = -Math.cos(turn) * 6.3 + 0.55;
    for (let slat = 0; slat < 12; slat++) {
      const y = 0.34 + slat * 0.185;
      kit.box([1.36, 0.13, 0.035], [x, y, z], slat % 3 === 1 ? 0x7a604a : PALETTE.wood, { turn: -turn });
    }
    for (const side of [-1, 1]) {
      kit.box([0.07, 2.66, 0.09], [x + Math.cos(turn) * 0.69 * side, 1.33, z + Math.sin(turn) * 0.69 * side], PALETTE.steelDark, { turn: -turn });
    }
    kit.box([1.3, 0.03, 0.03], [x + Math.sin(-turn) * 0.07, 0.17, z + Math.cos(turn) * 0.07], PALETTE.warmLight, { turn: -turn, glow: 1.7 });
  }
  toolBoard(kit);
}

function toolBoard(kit: Kit): void {
  const z = -5.66;
  kit.box([2.3, 0.9, 0.03], [0, 1.72, z], 0x39435a);
  kit.box([2.36, 0.03, 0.05], [0, 2.18, z], PALETTE.woodDark);
  kit.box([2.36, 0.03, 0.05], [0, 1.26, z], PALETTE.woodDark);
  // Spanners by size, two screwdrivers, a hammer, a square, a coil of cable.
  for (let i = 0; i < 5; i++) {
    const length = 0.46 - i * 0.05;
    kit.box([0.035, length, 0.018], [-0.98 + i * 0.11, 2.04 - length / 2, z + 0.03], 0xaeb7c9);
    kit.ring(0.036, 0.014, [-0.98 + i * 0.11, 2.05, z + 0.03], 0xaeb7c9, { tilt: 0 });
  }
  for (const [i, color] of [0xd65a4a, 0xe0a93f].entries()) {
    kit.cylinder(0.026, 0.022, 0.15, [-0.3 + i * 0.13, 2.0, z + 0.04], color, { sides: 12 });
    kit.cylinder(0.009, 0.009, 0.24, [-0.3 + i * 0.13, 1.82, z + 0.04], 0xc5ccd9, { sides: 8 });
  }
  kit.box([0.036, 0.42, 0.03], [0.12, 1.8, z + 0.035], 0xb98550);
  kit.box([0.2, 0.075, 0.06], [0.12, 2.03, z + 0.045], 0x59647a);
  kit.box([0.3, 0.035, 0.014], [0.47, 1.55, z + 0.03], 0xd7b46a);
  kit.box([0.035, 0.45, 0.014], [0.335, 1.76, z + 0.03], 0xd7b46a);
  for (let i = 0; i < 3; i++) kit.ring(0.15 - i * 0.012, 0.014, [0.85, 1.78, z + 0.03 + i * 0.022], 0xdb6f45, { tilt: 0 });
}

function pergola(kit: Kit): void {
  for (const side of [-1, 1]) {
    kit.box([0.1, 2.7, 0.1], [side * 2.15, 1.35, -3.7], PALETTE.woodDark);
    kit.box([0.1, 0.1, 2.6], [side * 2.15, 2.65, -4.6], PALETTE.woodDark);
  }
  for (let beam = 0; beam < 5; beam++) kit.box([4.7, 0.09, 0.06], [0, 2.74, -3.7 - beam * 0.45], 0x655040);
  for (const { x, z } of LAMP_POSTS) {
    kit.cylinder(0.006, 0.006, 0.48, [x, 2.48, z], 0x1b2230, { sides: 6 });
    kit.cylinder(0.045, 0.17, 0.15, [x, 2.17, z], 0x2f3a52, { sides: 24 });
    kit.add(new SphereGeometry(0.06, 16, 12), 0xffe2b8, x, 2.1, z, { glow: 2.6 });
  }
}

function planters(kit: Kit): void {
  const random = seeded(5);
  const places = [
    [-6.4, -4.6],
    [6.3, -4.7],
    [-7.6, 2.4],
    [7.6, 2.6],
    [-3.9, 7.4],
    [4.1, 7.3],
  ] as const;
  for (const [x, z] of places) {
    kit.cylinder(0.55, 0.45, 0.5, [x, 0.25, z], 0x566079, { sides: 8, faceted: true });
    kit.cylinder(0.49, 0.49, 0.02, [x, 0.5, z], 0x2e2722, { sides: 8 });
    const height = 0.9 + random() * 0.8;
    kit.cylinder(0.035, 0.06, height, [x, 0.5 + height / 2, z], 0x5a4536, { sides: 7, roll: (random() - 0.5) * 0.12 });
    for (let blob = 0; blob < 6; blob++) {
      const turn = random() * 7;
      const away = blob === 0 ? 0 : 0.18 + random() * 0.3;
      const color = random() < 0.4 ? PALETTE.leafLight : PALETTE.leaf;
      kit.rock(
        0.34 - blob * 0.028 + random() * 0.1,
        [x + Math.cos(turn) * away, 0.62 + height + random() * 0.42 - away * 0.4, z + Math.sin(turn) * away],
        color,
        1,
        { turn: random() * 3 },
      );
    }
  }
}
