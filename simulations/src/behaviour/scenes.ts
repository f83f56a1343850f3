/**
 * What people do together without harm: walk with friends, queue, cross a crowd, stand and talk, dance, work at a bench, follow a guide,
 * play tag, meet at a doorway. Each scene steers its own agents, ten times a second.
 */
import type { Random } from "../random.ts";
import { type Agent, giveWay, lookAlong, lookTo, move, newAgent, steer, walkTo } from "./agents.ts";

export type Scene = { readonly agents: readonly Agent[]; step(timeS: number): void };
type Maker = (random: Random, x: number, z: number) => Scene;

const goal = (random: Random, x: number, z: number, reach: number): [number, number] => [
  x + random.between(-reach, reach),
  z + random.between(-reach, reach),
];

/** Two to four who know each other: abreast, now and then one behind the other, heads turning to who speaks. */
const friends: Maker = (random, x, z) => {
  const agents = Array.from({ length: 2 + random.int(3) }, (_, i) => newAgent(random, "wander", x + i * 0.8, z));
  let [to, file, speaker, stopS] = [goal(random, x, z, 8), false, 0, 0];
  const gap = random.between(0.6, 1);
  const speed = random.between(0.7, 1.4);
  return {
    agents,
    step(timeS) {
      const lead = agents[0] as Agent;
      if (timeS > stopS && walkTo(lead, to[0], to[1], speed)) {
        to = goal(random, x, z, 8);
        if (random.chance(0.3)) stopS = timeS + random.between(3, 15);
      } else if (timeS <= stopS) steer(lead, 0, 0);
      if (random.chance(0.01)) file = random.chance(0.25);
      if (random.chance(0.03)) speaker = random.int(agents.length);
      lookAlong(lead);
      const [fx, fz] = [-Math.sin(lead.yaw), -Math.cos(lead.yaw)];
      agents.forEach((agent, i) => {
        const other = agents[speaker] as Agent;
        if (i > 0) {
          const [ox, oz] = file ? [-fx * gap * i, -fz * gap * i] : [fz * gap * i - fx * 0.15 * i, -fx * gap * i - fz * 0.15 * i];
          walkTo(agent, lead.x + ox, lead.z + oz, speed * 1.3);
          lookAlong(agent);
        }
        if (other !== agent && (timeS <= stopS || random.chance(0.3))) lookTo(agent, other.x, other.z);
      });
      agents.forEach(move);
    },
  };
};

const queue: Maker = (random, x, z) => {
  const agents = Array.from({ length: 4 + random.int(5) }, (_, i) => newAgent(random, random.pick(["idle", "work"]), x, z + i * 0.9));
  const gap = random.between(0.6, 1.1);
  const order = [...agents];
  let nextS = 8;
  return {
    agents,
    step(timeS) {
      if (timeS > nextS) {
        nextS = timeS + random.between(5, 18);
        order.push(order.shift() as Agent);
      }
      order.forEach((agent, i) => {
        const around = i === order.length - 1 && agent.z < z + i * gap - 1.5;
        walkTo(agent, around ? x + 2 : x, z + i * gap, around ? 1.3 : 0.8);
        if (random.chance(0.05)) lookTo(agent, agent.x + random.between(-1, 1), agent.z + random.between(-1, 1));
        else lookTo(agent, x, z - 3, 0.1);
      });
      agents.forEach(move);
    },
  };
};

/** Strangers on their ways; now and then two go the same way for a while, one behind the other. */
const crowd: Maker = (random, x, z) => {
  const agents = Array.from({ length: 10 + random.int(8) }, () => newAgent(random, "wander", ...goal(random, x, z, 5)));
  const goals = agents.map(() => goal(random, x, z, 5));
  const speeds = agents.map(() => random.between(0.6, 1.6));
  const rest = agents.map(() => 0);
  const none: ReadonlySet<Agent> = new Set();
  return {
    agents,
    step(timeS) {
      agents.forEach((agent, i) => {
        const to = goals[i] as [number, number];
        if (timeS < (rest[i] as number)) steer(agent, 0, 0);
        else if (walkTo(agent, to[0], to[1], speeds[i] as number)) {
          const other = random.int(agents.length);
          goals[i] = random.chance(0.15) ? ([...(goals[other] as [number, number])] as [number, number]) : goal(random, x, z, 5);
          if (random.chance(0.4)) rest[i] = timeS + random.between(2, 20);
        }
        lookAlong(agent);
      });
      giveWay(agents, 0.7, none);
      agents.forEach(move);
    },
  };
};

/** A ring of people talking; somebody comes up, somebody leaves. */
const talk: Maker = (random, x, z) => {
  const agents = Array.from({ length: 2 + random.int(4) }, () => newAgent(random, random.pick(["gesture", "idle"]), ...goal(random, x, z, 3)));
  const radius = random.between(0.35, 0.5) + agents.length * 0.1;
  const away = agents.map(() => -1);
  let speaker = 0;
  return {
    agents,
    step(timeS) {
      if (random.chance(0.04)) speaker = random.int(agents.length);
      agents.forEach((agent, i) => {
        if ((away[i] as number) < timeS && random.chance(0.0008)) away[i] = timeS + random.between(5, 25);
        const turn = (i / agents.length) * 2 * Math.PI;
        const out = (away[i] as number) > timeS;
        const [tx, tz] = out ? [x + 5 * Math.sin(turn), z + 5 * Math.cos(turn)] : [x + radius * Math.sin(turn), z + radius * Math.cos(turn)];
        const there = walkTo(agent, tx, tz, 1);
        const other = agents[speaker] as Agent;
        if (out || !there) lookAlong(agent);
        else if (other !== agent) lookTo(agent, other.x, other.z);
        else lookTo(agent, x, z);
      });
      agents.forEach(move);
    },
  };
};

const dance: Maker = (random, x, z) => {
  const agents = Array.from({ length: 5 + random.int(6) }, () => newAgent(random, "dance", ...goal(random, x, z, 1.6)));
  const pairs = random.chance(0.5);
  const homes = agents.map((agent) => [agent.x, agent.z] as const);
  return {
    agents,
    step(timeS) {
      agents.forEach((agent, i) => {
        const home = homes[i] as readonly [number, number];
        const partner = agents[pairs ? i ^ 1 : (i + 1) % agents.length];
        const swing = 0.35 * Math.sin(timeS * 1.7 + i * (pairs ? 0 : 1.3));
        const [hx, hz] = pairs && partner !== undefined && i % 2 === 1 ? [homes[i - 1]?.[0] ?? home[0], (homes[i - 1]?.[1] ?? home[1]) + 0.7] : home;
        walkTo(agent, hx + swing, hz + 0.3 * Math.cos(timeS * 1.1 + i), 1.2);
        // Waving in the air is dancing.
        agent.waveHz = Math.sin(timeS * 0.2 + i) > 0.5 ? 1.5 + (i % 3) * 0.4 : 0;
        agent.waveM = 0.2;
        if (partner !== undefined && partner !== agent && random.chance(0.4)) lookTo(agent, partner.x, partner.z, 0.15);
        else agent.yaw += 0.05 * Math.sin(timeS + i);
      });
      giveWay(agents, 0.6, new Set());
      agents.forEach(move);
    },
  };
};

/** Around a bench: arms reach across, things are handed over, people change places. */
const bench: Maker = (random, x, z) => {
  const agents = Array.from({ length: 3 + random.int(3) }, () => newAgent(random, "work", ...goal(random, x, z, 1.2)));
  const places = agents.map((_, i) => (i / agents.length) * 2 * Math.PI);
  const reach = agents.map(() => 0);
  return {
    agents,
    step(timeS) {
      agents.forEach((agent, i) => {
        if (random.chance(0.004)) places[i] = random.between(0, 2 * Math.PI);
        const turn = places[i] as number;
        walkTo(agent, x + 0.8 * Math.sin(turn), z + 0.6 * Math.cos(turn), 0.9);
        lookTo(agent, x, z, 0.15);
        if (random.chance(0.02)) reach[i] = timeS + random.between(0.5, 2);
        const other = agents[(i + 1) % agents.length] as Agent;
        // A thing handed over ends before the other's chest, at times close to the head.
        agent.hand =
          (reach[i] as number) > timeS
            ? [agent.x + (other.x - agent.x) * 0.6, random.between(1.1, 1.45), agent.z + (other.z - agent.z) * 0.6]
            : undefined;
      });
      giveWay(agents, 0.55, new Set());
      agents.forEach(move);
    },
  };
};

/** Four to seven follow a guide, who stops and turns to them. */
const tour: Maker = (random, x, z) => {
  const agents = Array.from({ length: 4 + random.int(4) }, () => newAgent(random, "wander", ...goal(random, x, z, 1.5)));
  let [to, stopS] = [goal(random, x, z, 7), 0];
  const offsets = agents.map(() => goal(random, 0, 0, 1));
  const speed = random.between(0.6, 1.1);
  return {
    agents,
    step(timeS) {
      const guide = agents[0] as Agent;
      if (timeS < stopS) {
        steer(guide, 0, 0);
        const one = agents[1 + (Math.floor(timeS / 4) % (agents.length - 1))] as Agent;
        lookTo(guide, one.x, one.z);
      } else {
        if (walkTo(guide, to[0], to[1], speed)) {
          to = goal(random, x, z, 7);
          stopS = timeS + random.between(5, 20);
        }
        lookAlong(guide);
        if (random.chance(0.05)) lookTo(guide, (agents[1] as Agent).x, (agents[1] as Agent).z, 0.6);
      }
      const [bx, bz] = [Math.sin(guide.yaw), Math.cos(guide.yaw)];
      agents.forEach((agent, i) => {
        if (i === 0) return;
        const o = offsets[i] as [number, number];
        const back = timeS < stopS ? 0 : 1.4;
        const metres = Math.hypot(agent.x - guide.x, agent.z - guide.z);
        if (timeS >= stopS || metres > 1.8) walkTo(agent, guide.x + bx * back + o[0], guide.z + bz * back + o[1], speed * 1.2);
        else steer(agent, 0, 0);
        if (timeS < stopS) lookTo(agent, guide.x, guide.z);
        else lookAlong(agent);
      });
      giveWay(agents, 0.7, new Set());
      agents.forEach(move);
    },
  };
};

/** Two passing each other at a narrow place: both step aside, at times to the same side. */
const doorway: Maker = (random, x, z) => {
  const agents = Array.from({ length: 4 + random.int(3) }, (_, i) =>
    newAgent(random, "wander", x + random.between(-0.5, 0.5), z + (i % 2 ? 4 : -4) + i * 0.3),
  );
  const side: number[] = agents.map((_, i) => (i % 2 ? -1 : 1));
  const pause = agents.map(() => 0);
  return {
    agents,
    step(timeS) {
      agents.forEach((agent, i) => {
        const dir = side[i] as number;
        if (timeS < (pause[i] as number)) steer(agent, 0, 0);
        else if (walkTo(agent, x + (Math.abs(agent.z - z) > 1.5 ? agent.x - x : 0) + random.between(-0.2, 0.2), z + dir * 5, 1.1)) {
          side[i] = -dir;
          pause[i] = timeS + random.between(2, 14);
        }
        lookAlong(agent);
      });
      giveWay(agents, 0.8, new Set());
      agents.forEach(move);
    },
  };
};

export const BENIGN = { friends, queue, crowd, talk, dance, bench, tour, doorway } as const satisfies Record<string, Maker>;
export type BenignName = keyof typeof BENIGN;
