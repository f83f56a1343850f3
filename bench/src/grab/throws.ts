/**
 * Throws between people at 72 to 90 frames a second: where they land for everybody, what a catch does, and how much is corrected visibly;
 * and what the loser of a race sees when it is taken back from a moving hand.
 *
 * [GT1] Landing: the place on the server's disk (as a third person's document has it) against where each of the three shows the object a
 *       second after it landed, and against what the thrower's client foresaw at the release.
 * [GT2] Hands accelerate and follow through, so a viewer who hears of a release late has seen the hand go on.
 */
import type { Space } from "@copresence/client/core";
import { assert } from "@copresence/shared/base";
import { FlightTrack, launchOf } from "@copresence/shared/motion";
import { readTransform } from "@copresence/shared/scene";
import { PopMeter } from "./pops.ts";
import { Stage, stand, STAGE_SCENE } from "./stage.ts";

const SWING_MS = 450;
const RETURN_MS = 1500;
const HOLD_MS = 500;
const GRAB_MS = 600;
const FPS = [72, 80, 90] as const;
/** Half of the throws are meant for the catcher's hand. */
const CATCHER_AT = [2.9, 0, 0.3] as const;
const CATCH_M = 0.3;

export type ThrowsResult = {
  readonly landingMm: { readonly thrower: number[]; readonly viewers: number[]; readonly foreseen: number[] };
  readonly popsMm: { readonly thrower: number[]; readonly viewers: number[]; readonly catcher: number[]; readonly loser: number[] };
  readonly catches: { tried: number; granted: number; agreed: number };
};

type Point = [number, number, number];

/** A hand that rests at home, swings along `peak` (its greatest speed, m/s) for SWING_MS, and comes back in its own time. */
class ThrowingHand {
  private readonly home: Point = [0, 1.25, 0];
  private startMs = Number.POSITIVE_INFINITY;
  private peak: Point = [0, 0, 0];

  swing(startMs: number, peak: Point): void {
    this.startMs = startMs;
    this.peak = peak;
  }

  at(nowMs: number): Point {
    const ms = nowMs - this.startMs;
    if (!(ms > 0)) return this.home;
    // Speed is a squared sine over the swing; this is its integral, in units of the greatest speed.
    const span = SWING_MS / 1000;
    const seconds = Math.min(ms, SWING_MS) / 1000;
    const way = seconds / 2 - (span / (4 * Math.PI)) * Math.sin((2 * Math.PI * seconds) / span);
    const back = Math.min(1, Math.max(0, (ms - SWING_MS) / RETURN_MS));
    const left = 1 - back * back * (3 - 2 * back);
    return [0, 1, 2].map((i) => (this.home[i] as number) + (this.peak[i] as number) * way * left) as Point;
  }
}

/** A hand that wanders about `home`, at most about 1.2 m/s. */
const wander =
  (home: Point, phase: number) =>
  (nowMs: number): Point => {
    const t = nowMs / 1000 + phase;
    return [home[0] + 0.15 * Math.sin(3.1 * t), home[1] + 0.1 * Math.sin(4.3 * t + 1), home[2] + 0.12 * Math.sin(5.3 * t + 2)];
  };

/** A hand that goes to meet a flight and otherwise hangs at home. */
class CatchingHand {
  private readonly home: Point = [2.6, 1, 0.1];
  private goal: Point = this.home;
  private fromMs = 0;

  meet(goal: Point, nowMs: number): void {
    this.goal = goal;
    this.fromMs = nowMs;
  }

  at(nowMs: number): Point {
    const part = Math.min(1, Math.max(0, (nowMs - this.fromMs) / 300));
    const ease = part * part * (3 - 2 * part);
    return [0, 1, 2].map((i) => (this.home[i] as number) + ((this.goal[i] as number) - (this.home[i] as number)) * ease) as Point;
  }
}

export async function runThrows(seed: number, count: number): Promise<ThrowsResult> {
  const result: ThrowsResult = {
    landingMm: { thrower: [], viewers: [], foreseen: [] },
    popsMm: { thrower: [], viewers: [], catcher: [], loser: [] },
    catches: { tried: 0, granted: 0, agreed: 0 },
  };
  const meters: PopMeter[] = [];
  const hand = new ThrowingHand();
  const catching = new CatchingHand();
  const release: { foreseen: FlightTrack | undefined } = { foreseen: undefined };
  const stage = new Stage(seed, {
    says: (_name, message) => {
      const launch = message.type === "letGo" ? launchOf(message, STAGE_SCENE.objects["ball"]?.["transform"]?.body, STAGE_SCENE.bounds) : undefined;
      if (launch === undefined) return;
      release.foreseen = new FlightTrack(launch);
      for (const meter of meters) meter.track = release.foreseen;
    },
  });
  const { time, random } = stage;
  /** What somebody does in a frame, after it is drawn. */
  const acts = new Map<string, (nowMs: number) => void>();
  const enter = async (name: string, at: readonly number[], handAt: (nowMs: number) => Point): Promise<Space> => {
    const drawn = (nowMs: number): void => {
      meters[index]?.frame(nowMs);
      acts.get(name)?.(nowMs);
    };
    const index = meters.length;
    const space = await stage.enter(name, random.pick(FPS), (nowMs, out) => stand(at, handAt(nowMs), out), drawn);
    meters.push(new PopMeter(space));
    return space;
  };
  const thrower = await enter("thrower", [0.7, 0, 0.3], (nowMs) => hand.at(nowMs));
  const catcher = await enter("catcher", CATCHER_AT, (nowMs) => catching.at(nowMs));
  const third = await enter("third", [1.5, 0, 2], () => [1.5, 1, 1.6]);
  const spaces = [thrower, catcher, third];
  await time.runUntil(time.nowMs + 3000);

  for (let i = 0; i < count; i++) {
    const id = `ball-${i}`;
    thrower.objects.create("ball", { transform: { position: [0, 1.25, -0.1] } }, id);
    for (const meter of meters) meter.look(id);
    await time.runUntil(time.nowMs + GRAB_MS);
    const ball = thrower.objects.get(id);
    assert(ball !== undefined, "the ball is there");
    void ball.grab("right");
    await time.runUntil(time.nowMs + HOLD_MS);
    const speed = random.between(1.5, 7);
    const rise = random.between(0.1, 0.9);
    const length = Math.hypot(1, rise);
    const startMs = time.nowMs;
    hand.swing(startMs, [speed / length, (speed * rise) / length, random.between(-0.1, 0.1) * speed]);
    const releaseMs = startMs + SWING_MS * random.between(0.42, 0.6);
    release.foreseen = undefined;
    acts.set("thrower", (nowMs) => {
      if (nowMs < releaseMs) return;
      acts.delete("thrower");
      for (const meter of meters) meter.watch(id, nowMs, nowMs + 2500);
      ball.release();
    });
    await time.runUntil(releaseMs + 250);
    const flight = thrown(release);
    const caught = i % 2 === 1 && (await tryCatch(id, flight));
    if (!caught) {
      await time.runUntil(releaseMs + flight.durationMs + 1000);
      const durable = readTransform(third.objects.doc, id)?.position;
      assert(durable !== undefined, "the ball rests somewhere");
      const off = (at: ArrayLike<number>): number => 1000 * Math.hypot(...durable.map((value, axis) => value - (at[axis] as number)));
      const shown = spaces.map((space) => off(space.objects.get(id)?.transform ?? [Number.NaN, 0, 0]));
      result.landingMm.thrower.push(shown[0] as number);
      result.landingMm.viewers.push(...shown.slice(1));
      result.landingMm.foreseen.push(off(flight.rest));
    }
    const groups = [result.popsMm.thrower, caught ? result.popsMm.catcher : result.popsMm.viewers, result.popsMm.viewers];
    for (const [index, meter] of meters.entries()) groups[index]?.push(...meter.popsMm.splice(0));
    for (const space of spaces) if (space.objects.get(id)?.heldByMe === true) space.objects.get(id)?.release({ velocity: [0, 0, 0] });
    await time.runUntil(time.nowMs + 600);
    thrower.objects.delete(id);
    catching.meet([2.6, 1, 0.1], time.nowMs);
    stage.tidy();
  }
  for (const space of spaces) void space.leave();
  return result;

  function thrown({ foreseen }: typeof release): FlightTrack {
    assert(foreseen !== undefined, "it was thrown");
    return foreseen;
  }

  /** The catcher's hand goes where the ball will pass and closes when it is near, as shown. True when the ball was caught. */
  async function tryCatch(id: string, flight: FlightTrack): Promise<boolean> {
    const at = new Float64Array(7);
    let meetMs = 0;
    for (let ms = 250; ms < flight.durationMs && meetMs === 0; ms += 8) {
      flight.at(ms, at);
      if ((at[0] as number) >= 2.2 && (at[1] as number) > 0.4 && (at[1] as number) < 2.2) meetMs = ms;
    }
    if (meetMs === 0) return false;
    catching.meet([at[0] as number, at[1] as number, at[2] as number], time.nowMs);
    result.catches.tried++;
    let verdict: boolean | undefined;
    acts.set("catcher", (nowMs) => {
      const ball = catcher.objects.get(id);
      const [x, y, z] = catching.at(nowMs);
      const { transform } = ball ?? {};
      if (ball === undefined || transform === undefined) return;
      if (Math.hypot((transform[0] as number) - x, (transform[1] as number) - y, (transform[2] as number) - z) > CATCH_M) return;
      acts.delete("catcher");
      void ball.grab("right").then(({ granted }) => (verdict = granted));
    });
    await time.runUntil(time.nowMs + meetMs + 900);
    acts.delete("catcher");
    if (verdict === true) result.catches.granted++;
    const { slot } = catcher.me;
    if (verdict === true && spaces.every((space) => space.objects.get(id)?.holder === slot)) result.catches.agreed++;
    await time.runUntil(time.nowMs + 900);
    return verdict === true;
  }
}

/** What losers see: `count` races between hands that move, the object taken back from one of them in mid-carry. */
export async function runLosers(seed: number, count: number): Promise<number[]> {
  const meters: PopMeter[] = [];
  const stage = new Stage(seed, {});
  const { time, random } = stage;
  const enter = async (name: string, at: readonly number[], handAt: (nowMs: number) => Point): Promise<Space> => {
    const index = meters.length;
    const space = await stage.enter(
      name,
      random.pick(FPS),
      (nowMs, out) => stand(at, handAt(nowMs), out),
      (nowMs) => meters[index]?.frame(nowMs),
    );
    meters.push(new PopMeter(space));
    return space;
  };
  const spaces = [
    await enter("left", [-0.5, 0, 0.4], wander([-0.3, 1.2, 0], 0)),
    await enter("right", [0.5, 0, 0.4], wander([0.3, 1.2, 0], 1.7)),
    await enter("third", [0, 0, 2], () => [0, 1, 1.6]),
  ];
  await time.runUntil(time.nowMs + 3000);
  const pops: number[] = [];
  for (let i = 0; i < count; i++) {
    const id = `ball-${i}`;
    spaces[2]?.objects.create("ball", { transform: { position: [random.between(-0.2, 0.2), 1.2, -0.1] } }, id);
    for (const meter of meters) meter.look(id);
    await time.runUntil(time.nowMs + GRAB_MS + random.between(0, 500));
    const first = random.int(2);
    const gapMs = random.between(0, 140);
    for (const meter of meters) meter.watch(id, time.nowMs, time.nowMs + 2000);
    void spaces[first]?.objects.get(id)?.grab("right");
    time.after(gapMs, () => void spaces[1 - first]?.objects.get(id)?.grab("right"));
    await time.runUntil(time.nowMs + 2000);
    for (const [index, meter] of meters.entries()) {
      const seen = meter.popsMm.splice(0);
      // The winner has nothing to correct; the loser and the third have.
      if (spaces[index]?.objects.get(id)?.heldByMe !== true) pops.push(...seen);
    }
    for (const space of spaces) if (space.objects.get(id)?.heldByMe === true) space.objects.get(id)?.release({ velocity: [0, 0, 0] });
    await time.runUntil(time.nowMs + 500);
    spaces[2]?.objects.delete(id);
    stage.tidy();
  }
  for (const space of spaces) void space.leave();
  return pops;
}
