/**
 * Races: two people reach for one object within a fifth of a second of each other; who holds it, and when does everybody agree?
 *
 * [GR1] Agreement is of four: the room, both claimants, and a third person. A race has agreed when all four name the same holder and none
 *       changes its mind again before the race is judged, JUDGE_MS after the later touch.
 * [GR2] Split brain is a race that has not agreed when it is judged, or in which the room ever had two holders.
 * [GR3] The time to agree is counted from the later touch; what stalled packets added on the way up and down is known (stage.ts) and told
 *       apart: the bar is on the rest.
 */
import type { Space } from "@copresence/client/core";
import type { SessionDelta } from "@copresence/server/core";
import { LIMITS } from "@copresence/shared/protocol";
import { RTT_MS, Stage, stand, STAGE_SCENE, TICK_MS } from "./stage.ts";

/** A touch is at most this long after the other. */
const GAP_MS = 200;
const JUDGE_MS = 800;
/** Per round each claimant reaches for as many things as one person may hold. */
const PER_ROUND = LIMITS.leasesPerPerson;

/** A race as it was touched: virtual times of both touches, ms. */
export type Touches = { readonly atMs: readonly [number, number] };
export type RaceResult = {
  readonly touches: Touches;
  /** 0, 1, or undefined: who held it when it was judged, as the room has it. */
  readonly winner: number | undefined;
  readonly split: boolean;
  /** From the later touch until the last of the four agreed, ms; NaN when they never did. */
  readonly agreedMs: number;
  /** The part of it that stalled packets took. */
  readonly stalledMs: number;
  /** From the later touch, when there came to be a loser, until its `onDenied`, ms; NaN when it was not called exactly once, or the winner's was. */
  readonly rollbackMs: number;
  /** Neither claim was held up. */
  readonly clean: boolean;
};

type Race = {
  readonly object: string;
  readonly touchMs: [number, number];
  readonly lateUp: [number, number];
  lateDown: number;
  changedMs: number;
  readonly arrivedMs: [number, number];
  readonly answers: [number, number];
  readonly deniedMs: [number[], number[]];
  doubleHeld: boolean;
};

const NAMES = ["near", "far", "third"] as const;
const HAND = [0, 1.2, 0] as const;

/** The room of this stage starts with its time, and so do its ticks. */
const tickAfter = (ms: number): number => Math.ceil(ms / TICK_MS - 1e-6) * TICK_MS;

/** `count` races of one seed (rounded up to whole rounds). */
export async function runRaces(seed: number, count: number): Promise<RaceResult[]> {
  const races = new Map<string, Race>();
  const holders = new Map<string, number>();
  const spaces: Space[] = [];
  const results: RaceResult[] = [];
  const view = (object: string): (number | undefined)[] => [holders.get(object), ...spaces.map((space) => space.objects.get(object)?.holder)];
  const shown = new Map<string, string>();
  const look = (object: string): void => {
    const race = races.get(object);
    const now = view(object).join();
    if (race !== undefined && now !== shown.get(object)) race.changedMs = stage.time.nowMs;
    shown.set(object, now);
  };
  const decided = (delta: SessionDelta): void => {
    if (delta.kind === "lease") {
      const { object, slot } = delta.lease;
      const race = races.get(object);
      const before = holders.get(object);
      if (race !== undefined && before !== undefined && before !== slot) race.doubleHeld = true;
      holders.set(object, slot);
      look(object);
    } else if (delta.kind === "leaseGone") {
      holders.delete(delta.object);
      look(delta.object);
    }
  };
  const stage = new Stage(seed, {
    decided,
    told: (name, what, lateMs) => {
      const object = "type" in what ? what.object : what.kind === "lease" ? what.lease.object : what.kind === "leaseGone" ? what.object : "";
      const race = races.get(object);
      const who = NAMES.indexOf(name as "near");
      if (race === undefined) return;
      // A claim is first answered at the tick after it came: what the answer took beyond that and the link's delay was a stall.
      const answered = "type" in what && (who === 0 || who === 1) && race.answers[who]++ === 0;
      const late = answered ? stage.time.nowMs - tickAfter(race.arrivedMs[who as 0]) - RTT_MS / 2 : lateMs;
      race.lateDown = Math.max(race.lateDown, late);
      look(object);
    },
    asked: (name, message, lateMs) => {
      const race = message.type === "take" ? races.get(message.object) : undefined;
      const who = NAMES.indexOf(name as "near");
      if (race === undefined || (who !== 0 && who !== 1)) return;
      race.lateUp[who] = lateMs;
      race.arrivedMs[who] = stage.time.nowMs;
    },
  });
  const { time, random } = stage;
  for (const [i, name] of NAMES.entries()) {
    const at = [i - 1, 0, 0.4];
    const space = await stage.enter(name, 30, (_, out) => stand(at, HAND, out));
    spaces.push(space);
    space.on("held", look);
  }
  // Two sets of things: one is raced for while the other is put back.
  const sets = [0, 1].map((set) => Array.from({ length: PER_ROUND }, (_, i) => `ball-${set}-${i}`));
  for (const [i, id] of sets.flat().entries()) spaces[0]?.objects.create("ball", { transform: { position: [0.1 * i - 0.3, 1.1, -0.2] } }, id);
  await time.runUntil(time.nowMs + 2500);
  for (let round = 0; results.length < count; round++) {
    const objects = sets[round % 2] as string[];
    for (const object of objects) {
      const first = random.int(2);
      const startMs = time.nowMs + random.between(0, GAP_MS);
      const touchMs: [number, number] = [startMs, startMs];
      touchMs[1 - first] = startMs + random.between(0, GAP_MS);
      const race = newRace(object, touchMs);
      races.set(object, race);
      for (const who of [0, 1] as const) {
        time.at(
          touchMs[who],
          () => void spaces[who]?.objects.get(object)?.grab("right", { onDenied: () => void race.deniedMs[who].push(time.nowMs) }),
        );
      }
    }
    await time.runUntil(time.nowMs + 2 * GAP_MS + JUDGE_MS);
    for (const object of objects) results.push(judge(races.get(object) as Race, view(object), spaces));
    for (const object of objects) {
      races.delete(object);
      for (const space of spaces) if (space.objects.get(object)?.heldByMe === true) space.objects.get(object)?.release({ velocity: [0, 0, 0] });
    }
    stage.tidy();
  }
  for (const space of spaces) void space.leave();
  return results.slice(0, count);
}

const newRace = (object: string, touchMs: [number, number]): Race => ({
  object,
  touchMs,
  lateUp: [0, 0],
  lateDown: 0,
  changedMs: 0,
  arrivedMs: [0, 0],
  answers: [0, 0],
  deniedMs: [[], []],
  doubleHeld: false,
});

function judge(race: Race, [room, ...seen]: readonly (number | undefined)[], spaces: readonly Space[]): RaceResult {
  const { touchMs, lateUp, lateDown } = race;
  const winner = spaces.findIndex((space) => space.me.slot === room);
  const agreed = room !== undefined && winner <= 1 && seen.every((slot) => slot === room);
  const lateMs = Math.max(...lateUp) + lateDown;
  const loser = winner === 0 ? 1 : 0;
  const denials = race.deniedMs[loser];
  const toldOnce = denials.length === 1 && race.deniedMs[1 - loser]?.length === 0;
  return {
    touches: { atMs: touchMs },
    winner: winner === 0 || winner === 1 ? winner : undefined,
    split: !agreed || race.doubleHeld,
    agreedMs: agreed ? Math.max(0, race.changedMs - Math.max(...touchMs)) : Number.NaN,
    stalledMs: lateMs,
    rollbackMs: toldOnce ? (denials[0] as number) - Math.max(...touchMs) : Number.NaN,
    clean: lateMs < 1,
  };
}

export const CONVERGE_BAR_MS = RTT_MS + 2 * TICK_MS;
export const ROLLBACK_BAR_MS = RTT_MS + TICK_MS;
export const RACE_SETTINGS = { scene: STAGE_SCENE.name, gapMs: GAP_MS, judgeMs: JUDGE_MS, perRound: PER_ROUND } as const;
