/**
 * People on a floor, for behaviour: where they walk and look is steered here, how head and hands move meanwhile is a SyntheticPerson's.
 *
 * [AG1] A pure function of the seed: the same crowd every time.
 */
import { type Style, SyntheticPerson } from "../people/index.ts";
import type { Random } from "../random.ts";

export const STEP_S = 0.1;

export type Agent = {
  readonly person: SyntheticPerson;
  /** m, m/s, rad (0 looks along -z, growing to the left). */
  x: number;
  z: number;
  vx: number;
  vz: number;
  yaw: number;
  /** Where the right hand is held instead, room frame, or undefined. */
  hand: readonly [number, number, number] | undefined;
  /** Hands swing: Hz and m. */
  waveHz: number;
  waveM: number;
  readonly clockMs: number;
};

export function newAgent(random: Random, style: Style, x: number, z: number): Agent {
  const person = new SyntheticPerson({ seed: random.u32(), style });
  return { person, x, z, vx: 0, vz: 0, yaw: random.between(-3, 3), hand: undefined, waveHz: 0, waveM: 0, clockMs: random.int(1e6) };
}

/** Heads for a point at up to `speed`, with the inertia of walking. True when there. */
export function walkTo(agent: Agent, x: number, z: number, speed: number): boolean {
  const [dx, dz] = [x - agent.x, z - agent.z];
  const metres = Math.hypot(dx, dz);
  const wanted = Math.min(speed, metres / 0.4);
  steer(agent, metres > 0.02 ? (dx / metres) * wanted : 0, metres > 0.02 ? (dz / metres) * wanted : 0);
  return metres < 0.2;
}

export function steer(agent: Agent, vx: number, vz: number): void {
  agent.vx += (vx - agent.vx) * 0.35;
  agent.vz += (vz - agent.vz) * 0.35;
}

export const lookAlong = (agent: Agent): void =>
  void (Math.hypot(agent.vx, agent.vz) > 0.15 && lookTo(agent, agent.x + agent.vx, agent.z + agent.vz));

export function lookTo(agent: Agent, x: number, z: number, rate = 0.3): void {
  const want = Math.atan2(-(x - agent.x), -(z - agent.z));
  const turn = Math.atan2(Math.sin(want - agent.yaw), Math.cos(want - agent.yaw));
  agent.yaw += turn * rate;
}

/** Everybody gives way to everybody nearer than `gapM`, except who is in `bold`. */
export function giveWay(agents: readonly Agent[], gapM: number, bold: ReadonlySet<Agent>): void {
  for (const a of agents) {
    if (bold.has(a)) continue;
    for (const b of agents) {
      if (a === b) continue;
      const [dx, dz] = [a.x - b.x, a.z - b.z];
      const metres = Math.max(0.05, Math.hypot(dx, dz));
      if (metres >= gapM) continue;
      const push = ((gapM - metres) / gapM) * 0.8;
      a.vx += (dx / metres) * push;
      a.vz += (dz / metres) * push;
    }
  }
}

export function move(agent: Agent): void {
  const speed = Math.hypot(agent.vx, agent.vz);
  const most = 2.5;
  if (speed > most) {
    agent.vx *= most / speed;
    agent.vz *= most / speed;
  }
  agent.x += agent.vx * STEP_S;
  agent.z += agent.vz * STEP_S;
}

const local = new Float64Array(21);

/** 21 floats, room frame. */
export function poseOf(agent: Agent, timeS: number, out: Float64Array): void {
  agent.person.sample(agent.clockMs + timeS * 1000, local);
  const [sin, cos] = [Math.sin(agent.yaw), Math.cos(agent.yaw)];
  const [hs, hc] = [Math.sin(agent.yaw / 2), Math.cos(agent.yaw / 2)];
  for (let at = 0; at < 21; at += 7) {
    const [x, y, z] = [local[at] as number, local[at + 1] as number, local[at + 2] as number];
    out[at] = agent.x + x * cos + z * sin;
    out[at + 1] = y;
    out[at + 2] = agent.z + z * cos - x * sin;
    const [qx, qy, qz, qw] = [local[at + 3] as number, local[at + 4] as number, local[at + 5] as number, local[at + 6] as number];
    out[at + 3] = hc * qx + hs * qz;
    out[at + 4] = hc * qy + hs * qw;
    out[at + 5] = hc * qz - hs * qx;
    out[at + 6] = hc * qw - hs * qy;
  }
  if (agent.hand !== undefined) out.set(agent.hand, 14);
  if (agent.waveHz > 0) {
    const swing = agent.waveM * Math.sin(2 * Math.PI * agent.waveHz * timeS);
    out[14] = (out[14] as number) + swing * cos;
    out[15] = (out[15] as number) + swing * 0.5;
    out[16] = (out[16] as number) - swing * sin;
  }
}
