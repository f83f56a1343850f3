/**
 * Injected offenders: somebody who does to one person in an otherwise harmless scene what should be caught.
 *
 * [OF1] A victim reacts as people do: turns away, steps back, changes direction, or (one in four) freezes.
 * [OF2] Seeds vary distance, speed, persistence and how much the offender looks at the victim.
 */
import type { Random } from "../random.ts";
import { type Agent, giveWay, lookAlong, lookTo, move, newAgent, steer, walkTo } from "./agents.ts";

export type Offending = {
  readonly agents: readonly Agent[];
  readonly offender: Agent;
  readonly victim: Agent;
  step(timeS: number): void;
};
type Maker = (random: Random, x: number, z: number) => Offending;

type Victim = { step(timeS: number): void };
/** Walks to places of its own, and away from who comes close behind. */
function walker(random: Random, victim: Agent, offender: Agent, x: number, z: number, evades: boolean): Victim {
  const speed = random.between(0.8, 1.5);
  let [tx, tz, nextS] = [x + random.between(-6, 6), z + random.between(-6, 6), 0];
  return {
    step(timeS) {
      if (timeS > nextS || walkTo(victim, tx, tz, speed)) {
        nextS = timeS + (evades ? random.between(1.5, 4) : random.between(4, 8));
        const turn =
          random.between(1, 2.2) * (random.chance(0.5) ? 1 : -1) + Math.atan2(victim.x - offender.x, victim.z - offender.z) * (evades ? 1 : 0.5);
        [tx, tz] = [victim.x + 5 * Math.sin(turn), victim.z + 5 * Math.cos(turn)];
        if (Math.hypot(tx - x, tz - z) > 9) [tx, tz] = [x + random.between(-3, 3), z + random.between(-3, 3)];
      }
      lookAlong(victim);
      if (random.chance(0.02)) lookTo(victim, offender.x, offender.z, 0.7);
    },
  };
}

const two = (random: Random, x: number, z: number): [Agent, Agent] => [
  newAgent(random, "wander", x + random.between(-2, 2), z + random.between(-2, 2)),
  newAgent(random, random.pick(["wander", "work", "idle"]), x + random.between(1.5, 3), z + random.between(1.5, 3)),
];

const following: Maker = (random, x, z) => {
  const [victim, offender] = two(random, x, z);
  const reacts = walker(random, victim, offender, x, z, random.chance(0.75));
  const gap = random.between(0.5, 1.5);
  const speed = random.between(1.5, 2.2);
  return {
    agents: [victim, offender],
    offender,
    victim,
    step(timeS) {
      reacts.step(timeS);
      const [dx, dz] = [victim.x - offender.x, victim.z - offender.z];
      const metres = Math.max(0.1, Math.hypot(dx, dz));
      if (metres > gap) walkTo(offender, victim.x - (dx / metres) * gap, victim.z - (dz / metres) * gap, speed);
      else steer(offender, 0, 0);
      lookTo(offender, victim.x, victim.z);
      move(victim);
      move(offender);
    },
  };
};

/** Stands in the way, and steps to the same side. */
const blocking: Maker = (random, x, z) => {
  const [victim, offender] = two(random, x, z);
  const lead = random.between(0.5, 0.95);
  let [tx, tz, side, nextS] = [x + 4, z, 1, 0];
  return {
    agents: [victim, offender],
    offender,
    victim,
    step(timeS) {
      const [dx, dz] = [tx - victim.x, tz - victim.z];
      const metres = Math.max(0.1, Math.hypot(dx, dz));
      const [wx, wz] = [dx / metres, dz / metres];
      const between = Math.hypot(offender.x - victim.x, offender.z - victim.z);
      const ahead = ((offender.x - victim.x) * wx + (offender.z - victim.z) * wz) / Math.max(0.1, between);
      if (timeS > nextS) {
        nextS = timeS + random.between(0.8, 2.2);
        side = random.chance(0.7) ? -side : 0;
        if (metres < 1 || random.chance(0.08)) [tx, tz] = [x + random.between(-5, 5), z + random.between(-5, 5)];
      }
      const stopped = ahead > 0.5 && between < 1.2;
      if (stopped) steer(victim, -wz * side * 0.9 + wx * 0.1, wx * side * 0.9 + wz * 0.1);
      else steer(victim, wx * 1.1, wz * 1.1);
      lookTo(victim, victim.x + wx, victim.z + wz, 0.2);
      walkTo(offender, victim.x + wx * lead, victim.z + wz * lead, 1.9);
      lookTo(offender, victim.x, victim.z);
      giveWay([victim], 0.4, new Set());
      move(victim);
      move(offender);
    },
  };
};

/** A hand or a face in somebody's face. */
const bubble: Maker = (random, x, z) => {
  const [victim, offender] = two(random, x, z);
  const freezes = random.chance(0.25);
  const withHead = random.chance(0.3);
  const gap = withHead ? random.between(0.15, 0.3) : random.between(0.35, 0.65);
  return {
    agents: [victim, offender],
    offender,
    victim,
    step(timeS) {
      const [dx, dz] = [victim.x - offender.x, victim.z - offender.z];
      const metres = Math.max(0.1, Math.hypot(dx, dz));
      walkTo(offender, victim.x - (dx / metres) * gap, victim.z - (dz / metres) * gap, 1.6);
      lookTo(offender, victim.x, victim.z);
      const near = metres < gap + 0.35;
      offender.hand =
        near && !withHead
          ? [victim.x + 0.12 * Math.sin(timeS * 5), 1.6 + 0.1 * Math.sin(timeS * 3.1), victim.z + 0.12 * Math.cos(timeS * 4)]
          : undefined;
      if (freezes || metres > 1) steer(victim, 0, 0);
      else steer(victim, (dx / metres) * random.between(0.4, 1.2), (dz / metres) * random.between(0.4, 1.2));
      if (random.chance(0.3)) lookTo(victim, victim.x + dx, victim.z + dz);
      else if (random.chance(0.25)) lookTo(victim, offender.x, offender.z, 0.5);
      move(victim);
      move(offender);
    },
  };
};

/** Fast hands before somebody who tries to look elsewhere. */
const gestures: Maker = (random, x, z) => {
  const [victim, offender] = two(random, x, z);
  const gap = random.between(0.7, 1.4);
  const [hz, reach] = [random.between(2.2, 4), random.between(0.3, 0.5)];
  return {
    agents: [victim, offender],
    offender,
    victim,
    step() {
      const [dx, dz] = [victim.x - offender.x, victim.z - offender.z];
      const metres = Math.max(0.1, Math.hypot(dx, dz));
      walkTo(offender, victim.x - (dx / metres) * gap, victim.z - (dz / metres) * gap, 1.5);
      lookTo(offender, victim.x, victim.z);
      offender.waveHz = metres < gap + 0.5 ? hz : 0;
      offender.waveM = reach;
      if (random.chance(0.2)) lookTo(victim, victim.x + dx, victim.z + dz);
      steer(victim, random.chance(0.3) ? (dx / metres) * 0.6 : 0, random.chance(0.3) ? (dz / metres) * 0.6 : 0);
      move(victim);
      move(offender);
    },
  };
};

export const OFFENDERS = { following, blocking, bubble, gestures } as const satisfies Record<string, Maker>;
