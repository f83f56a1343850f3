import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLIGHT_MAX_MS, FlightTrack, type Launch, sameLaunch } from "./flight.ts";
import { launchOf, THROW_LEAST_M_S, THROW_MOST_M_S } from "./launch.ts";

const BOUNDS = { min: [-10, -1, -10], max: [10, 5, 10] } as const;
const still = { rotation: [0, 0, 0, 32_767], spinMradS: [0, 0, 0], scale: 1 };
const thrown = (positionMm: readonly number[], velocityMmS: readonly number[], over: Partial<Launch> = {}): Launch => ({
  ...still,
  positionMm,
  velocityMmS,
  boxMm: [-10_000, 0, -10_000, 10_000, 5000, 10_000],
  upright: true,
  ...over,
});
const placeAt = (track: FlightTrack, ms: number): Float64Array => {
  const out = new Float64Array(7);
  track.at(ms, out);
  return out;
};

const mm = (most: number): fc.Arbitrary<number> => fc.integer({ min: -most, max: most });
const i16 = fc.integer({ min: -32_768, max: 32_767 });
const anyLaunch = fc
  .record({
    positionMm: fc.tuple(mm(2_000_000), mm(2_000_000), mm(2_000_000)),
    rotation: fc.tuple(i16, i16, i16, i16),
    velocityMmS: fc.tuple(i16, i16, i16),
    spinMradS: fc.tuple(i16, i16, i16),
    scale: fc.double({ min: 0.01, max: 100, noNaN: true }),
    radiusM: fc.double({ min: 0, max: 3, noNaN: true }),
    tumbles: fc.boolean(),
  })
  .map(({ radiusM, tumbles, ...release }) => launchOf(release, { radiusM, tumbles, falls: true }, BOUNDS) as Launch);

describe("flight", () => {
  it("falls as things fall, bounces, and comes to rest on the floor", () => {
    const track = new FlightTrack(thrown([0, 1500, 0], [3000, 1000, 0]));
    const soon = placeAt(track, 250);
    expect(soon[0]).toBeCloseTo(0.75, 4);
    expect(soon[1]).toBeCloseTo(1.5 + 0.25 - (9.81 * 0.0625) / 2, 3);
    expect(track.rest[1]).toBe(0);
    expect(track.rest[0]).toBeGreaterThan(1.5);
    expect(track.durationMs).toBeGreaterThan(500);
    expect(track.durationMs).toBeLessThan(3000);
    expect(track.speedAt(track.durationMs)).toBe(0);
  });

  it("[FL1] the same record gives the same bits, and a known place (in every engine)", () => {
    const launch = thrown([123, 1456, -789], [2345, 1678, -3456], { spinMradS: [4000, -7000, 2000], rotation: [10_000, 20_000, 5000, 20_000] });
    const track = new FlightTrack(launch);
    expect([...new FlightTrack({ ...launch }).rest]).toEqual([...track.rest]);
    expect([track.durationMs, ...track.rest]).toMatchInlineSnapshot(`
      [
        1906.25,
        3.057613625300692,
        0,
        -5.113957223470892,
        0,
        0.4748731180363123,
        0,
        -0.8800542720573944,
      ]
    `);
  });

  it("[FL2] [FL3] whatever is thrown ends in its box, begins where it was let go, and is finite and a rotation all the way", () => {
    fc.assert(
      fc.property(anyLaunch, fc.double({ min: 0, max: FLIGHT_MAX_MS, noNaN: true }), (launch, ms) => {
        const track = new FlightTrack(launch);
        expect(track.durationMs).toBeLessThanOrEqual(FLIGHT_MAX_MS);
        expect([...placeAt(track, 0).subarray(0, 3)]).toEqual(launch.positionMm.map((value) => value / 1000));
        for (const at of [placeAt(track, ms), track.rest]) {
          for (let i = 0; i < 3; i++) {
            const start = (launch.positionMm[i] as number) / 1000;
            expect(at[i]).toBeGreaterThanOrEqual(Math.min(start, (launch.boxMm[i] as number) / 1000) - 1e-9);
            expect(at[i]).toBeLessThanOrEqual(Math.max(start, (launch.boxMm[i + 3] as number) / 1000) + 1e-9);
          }
          expect(Math.hypot(...at.subarray(3, 7))).toBeCloseTo(1, 9);
        }
        expect([...placeAt(track, track.durationMs + 1)].every((value, i) => Math.abs(value - (track.rest[i] as number)) < 1e-12)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("[FL2] never moves farther in a step than its speed: no jump anywhere, the end included", () => {
    fc.assert(
      fc.property(anyLaunch, (launch) => {
        const track = new FlightTrack(launch);
        let before = placeAt(track, 0);
        for (let ms = 8; ms <= track.durationMs + 16; ms += 8) {
          const now = placeAt(track, ms);
          expect(Math.hypot(...[0, 1, 2].map((i) => (now[i] as number) - (before[i] as number)))).toBeLessThan((THROW_MOST_M_S + 12) * 0.008);
          before = now;
        }
      }),
      { numRuns: 25 },
    );
  });

  it("finds when it is nearest to a place, among what it may look at", () => {
    const track = new FlightTrack(thrown([0, 1500, 0], [3000, 1000, 0]));
    const { 0: x = 0, 1: y = 0, 2: z = 0 } = placeAt(track, 203);
    expect(track.nearestMs([x, y, z + 0.2], 1000)).toBeCloseTo(203, 0);
    expect(track.nearestMs([x, y, z], 100)).toBe(100);
    expect(track.nearestMs([-5, 1.5, 0], 1000)).toBe(0);
  });

  it("[FL4] stands up where it lands, or rests as it fell", () => {
    const spinning = { spinMradS: [9000, 3000, -5000] };
    const { rest } = new FlightTrack(thrown([0, 1500, 0], [2000, 500, 0], spinning));
    expect([rest[3], rest[5]]).toEqual([0, 0]);
    const fell = new FlightTrack(thrown([0, 1500, 0], [2000, 500, 0], { ...spinning, upright: false })).rest;
    expect(Math.abs(fell[3] as number) + Math.abs(fell[5] as number)).toBeGreaterThan(0.01);
  });

  it("rests on its radius, which never lifts it out of where it was let go", () => {
    const release = { ...still, positionMm: [0, 1500, 0], velocityMmS: [1000, 0, 0] };
    const launch = (body: object, over: object = {}): Launch => launchOf({ ...release, ...over }, body, BOUNDS) as Launch;
    expect(new FlightTrack(launch({ radiusM: 0.25 })).rest[1]).toBe(0.25);
    expect(new FlightTrack(launch({ radiusM: 0.25 }, { scale: 2 })).rest[1]).toBe(0.5);
    expect(new FlightTrack(launch({ radiusM: 0.25 }, { positionMm: [0, 100, 0] })).rest[1]).toBe(0.1);
  });

  it("sees whether two records mean the same path", () => {
    const a = thrown([1, 2, 3], [4, 5, 6]);
    expect(sameLaunch(a, { ...a, positionMm: [1, 2, 3] })).toBe(true);
    expect(sameLaunch(a, { ...a, velocityMmS: [4, 5, 7] })).toBe(false);
  });
});

describe("what a release turns into", () => {
  const release = (speed: number) => ({ ...still, positionMm: [99_000, 1000, 0], velocityMmS: [Math.round(speed * 1000), 0, 0] });

  it("[LA1] slow is put down, fast is thrown; types may say otherwise", () => {
    expect(launchOf(release(THROW_LEAST_M_S - 0.01), undefined, BOUNDS)).toBeUndefined();
    expect(launchOf(release(THROW_LEAST_M_S), undefined, BOUNDS)).toBeDefined();
    expect(launchOf(release(5), { throwable: false }, BOUNDS)).toBeUndefined();
    expect(launchOf(release(0), { falls: true }, BOUNDS)).toBeDefined();
  });

  it("[LA2] cuts what no arm can do, and stays in the bounds", () => {
    const launch = launchOf({ ...release(30), spinMradS: [0, 32_000, 0] }, undefined, BOUNDS);
    expect(launch).toMatchObject({ velocityMmS: [THROW_MOST_M_S * 1000, 0, 0], spinMradS: [0, 30_000, 0], positionMm: [10_000, 1000, 0] });
  });
});
