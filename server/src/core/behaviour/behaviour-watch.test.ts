import { describe, expect, it } from "vitest";
import { readBehaviourModel, scoreOf } from "./behaviour-model.ts";
import { type AlarmNotice, BehaviourWatch } from "./behaviour-watch.ts";
import { HEAD_X, MotionTracks, RAW_KEPT_MS, SAMPLES_HZ, TRACK_SAMPLES } from "./motion-track.ts";
import { PAIR_FEATURES } from "./pair-features.ts";

const silent = { base: -1, threshold: 0, trees: [] };
/** Alarms as soon as two heads were nearer than half a metre. */
const touchy = {
  base: -1,
  threshold: 0,
  trees: [
    [
      [PAIR_FEATURES.indexOf("nearestM"), 0.5, 1, 2],
      [-1, 3, 0, 0],
      [-1, 0, 0, 0],
    ],
  ],
} as const;
const model = { id: "toy", version: "1", features: PAIR_FEATURES, kinds: { following: silent, blocking: silent, bubble: touchy, gestures: silent } };

function watch(apartM: number, friends = false) {
  const alarms: AlarmNotice[] = [];
  const made = new BehaviourWatch({
    capacity: 4,
    model,
    poseOf: (slot, out) => {
      out.fill(0);
      out[0] = slot * apartM;
      out[1] = 1.6;
      out[6] = 1;
      return true;
    },
    exempt: () => friends,
    alarm: (notice) => void alarms.push(notice),
  });
  return { made, alarms, run: (seconds: number) => Array.from({ length: seconds * SAMPLES_HZ }, () => made.sample([0, 1], 2)) };
}

describe("BehaviourWatch", () => {
  it("[BW3] takes two seconds, and says it once in a while", () => {
    const { run, alarms } = watch(0.4);
    run(2);
    expect(alarms).toEqual([]);
    run(3);
    expect(alarms.map(({ kind, slot, victim }) => [kind, slot, victim])).toEqual([
      ["bubble", 0, 1],
      ["bubble", 1, 0],
    ]);
    run(50);
    expect(alarms).toHaveLength(2);
    run(30);
    expect(alarms).toHaveLength(4);
  });

  it("[BW1] says numbers about seconds and no place", () => {
    const { run, alarms } = watch(0.4);
    run(5);
    expect(Object.keys(alarms[0]?.numbers ?? {}).filter((name) => !(PAIR_FEATURES as readonly string[]).includes(name))).toEqual([]);
  });

  it("[BW2] leaves friends alone, and who is far away", () => {
    const [friends, far] = [watch(0.4, true), watch(3)];
    friends.run(10);
    far.run(10);
    expect([...friends.alarms, ...far.alarms]).toEqual([]);
  });

  it("forgets a slot", () => {
    const { made, run, alarms } = watch(0.4);
    run(3);
    made.forget(1);
    expect(made.featuresOf(0, 1)).toBeUndefined();
    run(1);
    expect(alarms.length).toBeLessThanOrEqual(2);
  });

  it("[FW1] [FW2] [BW5] counts different objects, and tells of a flood within seconds", () => {
    const { made, alarms } = watch(3);
    const second = (change: (i: number) => void): void => {
      for (let i = 0; i < 20; i++) change(i);
      for (let i = 0; i < SAMPLES_HZ; i++) made.sample([0, 1], 2);
    };
    for (let s = 0; s < 6; s++) second(() => made.floods.changed(0, "slider"));
    expect(alarms).toEqual([]);
    for (let s = 0; s < 4; s++) second((i) => made.floods.changed(0, `o-${i}`));
    expect(alarms.map(({ kind, slot, victim }) => [kind, slot, victim])).toEqual([["objectSpam", 0, -1]]);
    for (let s = 0; s < 4; s++) second(() => made.floods.removed(1));
    expect(alarms.at(-1)).toMatchObject({ kind: "vandalism", slot: 1 });
  });
});

describe("MotionTracks", () => {
  it("[MT1] P19 keeps two seconds of anything raw, and nothing of who left", () => {
    expect(RAW_KEPT_MS).toBeLessThanOrEqual(2000);
    const tracks = new MotionTracks(1);
    const pose = new Float64Array(21);
    const canary = 7654.25;
    pose[0] = canary;
    tracks.add(0, pose);
    pose[0] = 1;
    const has = (): boolean =>
      Object.values(tracks as unknown as Record<string, unknown>).some((part) => part instanceof Float32Array && part.includes(canary));
    expect(has()).toBe(true);
    for (let i = 0; i < TRACK_SAMPLES; i++) tracks.add(0, pose);
    expect(has()).toBe(false);
    pose[0] = canary;
    tracks.add(0, pose);
    expect(tracks.value(0, 0, HEAD_X)).toBe(canary);
    tracks.forget(0);
    expect(has()).toBe(false);
  });
});

describe("readBehaviourModel", () => {
  it("refuses what would walk in circles or read beyond its features", () => {
    expect(readBehaviourModel(model)).toMatchObject({ ok: true });
    const bad = (tree: unknown): unknown => ({ ...model, kinds: { ...model.kinds, bubble: { ...touchy, trees: [tree] } } });
    for (const tree of [
      [[0, 1, 0, 0]],
      [
        [99, 1, 1, 2],
        [-1, 0, 0, 0],
        [-1, 0, 0, 0],
      ],
      [],
      [[0, 1, 5, 6]],
    ])
      expect(readBehaviourModel(bad(tree)).ok).toBe(false);
    expect(readBehaviourModel({ ...model, features: ["other"] }).ok).toBe(false);
    expect(readBehaviourModel(null).ok).toBe(false);
    expect(
      scoreOf(
        touchy,
        Float32Array.from({ length: PAIR_FEATURES.length }, () => 0.2),
        0,
      ),
    ).toBe(2);
  });
});
