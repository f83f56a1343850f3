import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readBehaviourModel } from "./behaviour-model.ts";
import { type AlarmNotice, BehaviourWatch, PAIRS_PER_PERSON, PAIRS_PER_TICK } from "./behaviour-watch.ts";
import { FloodWatch } from "./flood-watch.ts";
import { Forest } from "./forest.ts";
import { HEAD_X, MotionTracks, RAW_KEPT_MS, SAMPLES_HZ, TRACK_SAMPLES } from "./motion-track.ts";
import { PAIR_FEATURES } from "./pair-features.ts";
import { PairTable } from "./pair-table.ts";

const silent = { base: -1, drift: 0, limit: 1, trees: [] };
/** Alarms as soon as two heads were nearer than half a metre. */
const touchy = {
  base: -1,
  drift: 0,
  limit: 3,
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
    looksHz: SAMPLES_HZ,
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
  const step = (): void => {
    made.sample([0, 1], 2);
    made.look();
  };
  return { made, alarms, run: (seconds: number) => Array.from({ length: seconds * SAMPLES_HZ }, step) };
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

  it("[BW4] looks at no more than so many pairs in a tick, and at everybody in turn", () => {
    const people = 300;
    let looked = 0;
    const seen = new Set<number>();
    const alarms: AlarmNotice[] = [];
    const watch = new BehaviourWatch({
      capacity: people,
      looksHz: SAMPLES_HZ,
      model,
      // Everybody on one spot: 44 850 pairs.
      poseOf: (_, out) => {
        out.fill(0);
        out[6] = 1;
        return true;
      },
      exempt: (a) => {
        looked++;
        seen.add(a);
        return false;
      },
      alarm: (notice) => void alarms.push(notice),
    });
    const slots = Array.from({ length: people }, (_, slot) => slot);
    for (let tick = 0; tick < 100; tick++) {
      looked = 0;
      watch.sample(slots, people);
      watch.look();
      expect(looked).toBeLessThan(PAIRS_PER_TICK + PAIRS_PER_PERSON);
    }
    // The last one has nobody above.
    expect(seen.size).toBe(people - 1);
    expect(alarms.length).toBeGreaterThan(0);
  });
});

describe("FloodWatch", () => {
  it("[FW1] [FW2] counts different objects, and tells of a flood within seconds", () => {
    const alarms: AlarmNotice[] = [];
    const watch = new FloodWatch((notice) => void alarms.push(notice));
    const second = (change: (i: number) => void): void => {
      for (let i = 0; i < 20; i++) change(i);
      watch.second();
    };
    for (let s = 0; s < 6; s++) second(() => watch.changed(0, "slider"));
    expect(alarms).toEqual([]);
    for (let s = 0; s < 4; s++) second((i) => watch.changed(0, `o-${i}`));
    expect(alarms.map(({ kind, slot, victim }) => [kind, slot, victim])).toEqual([["objectSpam", 0, -1]]);
    for (let s = 0; s < 4; s++) second(() => watch.removed(1));
    expect(alarms.at(-1)).toMatchObject({ kind: "vandalism", slot: 1 });
    // A line every 700 ms, however the seconds fall, and ten at once, are no flood; three a second are.
    alarms.length = 0;
    for (let s = 0, said = 0; s < 30; s++) {
      for (; said * 0.7 < s + 1; said++) watch.said(2);
      if (s === 0) for (let i = 0; i < 10; i++) watch.said(3);
      watch.second();
    }
    expect(alarms).toEqual([]);
    for (let s = 0; s < 6; s++) {
      for (let i = 0; i < 3; i++) watch.said(2);
      watch.second();
    }
    expect(alarms).toMatchObject([{ kind: "chatFlood", slot: 2 }]);
  });
});

describe("PairTable", () => {
  it("[PT1] finds what was claimed and not dropped, as a map would", () => {
    const capacity = 40;
    const slots = fc.tuple(fc.nat(capacity - 2), fc.nat(capacity - 2)).map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), slots), { maxLength: 400 }), (steps) => {
        const table = new PairTable(capacity);
        const known = new Map<string, number>();
        for (const [add, [low, high]] of steps) {
          const pair = table.find(low, high);
          expect(pair).toBe(known.get(`${low} ${high}`) ?? -1);
          if (pair >= 0 && !add) {
            table.drop(pair);
            known.delete(`${low} ${high}`);
          } else if (pair < 0 && add) known.set(`${low} ${high}`, table.claim(low, high));
        }
        for (const [key, pair] of known) {
          const [low, high] = key.split(" ").map(Number) as [number, number];
          expect([table.find(low, high), table.holds(pair, low), table.holds(pair, high)]).toEqual([pair, true, true]);
        }
        expect(new Set(known.values()).size).toBe(known.size);
      }),
    );
  });
});

describe("MotionTracks", () => {
  it("[MT1] P19 keeps two seconds of anything raw, and nothing of who left", () => {
    expect(RAW_KEPT_MS).toBeLessThanOrEqual(2000);
    const tracks = new MotionTracks(1);
    const pose = new Float64Array(21);
    const canary = 7654.25;
    pose[0] = canary;
    const add = (): void => {
      tracks.begin();
      tracks.add(0, pose);
    };
    add();
    pose[0] = 1;
    const has = (): boolean =>
      Object.values(tracks as unknown as Record<string, unknown>).some((part) => part instanceof Float32Array && part.includes(canary));
    expect(has()).toBe(true);
    for (let i = 0; i < TRACK_SAMPLES; i++) add();
    expect(has()).toBe(false);
    pose[0] = canary;
    add();
    expect(tracks.data[tracks.at(0, 0) + HEAD_X]).toBe(canary);
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
    const row = Float32Array.from({ length: PAIR_FEATURES.length }, () => 0.2);
    expect(new Forest(touchy).score(row, 0)).toBe(2);
    // [FO1] what is below a stop goes no further.
    const twice = { ...touchy, trees: [...touchy.trees, ...touchy.trees] };
    expect([new Forest(twice).score(row, 0), new Forest({ ...twice, stops: [[1, 2.5]] }).score(row, 0)]).toEqual([5, 2]);
    expect(readBehaviourModel({ ...model, kinds: { ...model.kinds, bubble: { ...touchy, stops: [[1, "x"]] } } }).ok).toBe(false);
  });
});
