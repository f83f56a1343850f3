import { expect, it } from "vitest";
import { broken, diskFigures, runDisk } from "./disk.ts";
import { fullFigures, runFull } from "./full.ts";
import { killFigures, runKills } from "./kill.ts";

const quiet = { onProgress: () => undefined };

it("[P1] 5 kills of a real server under editing people, 4 of them at named places, lose nothing that was acknowledged", async () => {
  const places = ["append.fsync", "append.committed", "snapshot.fsync", "start.loaded"] as const;
  const result = await runKills({ count: 5, named: 4, places, editors: 6, documentBytes: 300_000, seed: 3, ...quiet });
  expect(result.violations).toEqual([]);
  expect(killFigures(result).filter(({ id, ok }) => ok === false && id !== "kill.recovery_ms_p99")).toEqual([]);
  expect(result.acked).toBeGreaterThan(20);
  expect(Object.keys(result.places)).toEqual(expect.arrayContaining(["append.fsync", "append.committed"]));
});

it("[P2] 120 seeds of power cuts and flipped bits lose nothing that was acknowledged", async () => {
  // Among these seeds are some whose damage closes a scene.
  const outcomes = await runDisk({ first: 121, count: 120, ...quiet });
  expect(broken(outcomes).map(({ seed, violations }) => `npm run chaos -- disk --seed ${seed} --count 1: ${violations.join("; ")}`)).toEqual([]);
  expect(diskFigures(outcomes).filter(({ ok }) => ok === false)).toEqual([]);
  // A disk on which nothing ever went wrong would prove nothing.
  expect(outcomes.some(({ notices }) => notices > 0)).toBe(true);
  expect(outcomes.some(({ refused }) => refused > 0)).toBe(true);
});

it("[P13] a full disk is said aloud within a second, acknowledges nothing, shows poses, and is over when it is over", async () => {
  const result = await runFull({ editors: 2, fullMs: 1000, ...quiet });
  if (result === undefined) return console.warn("SKIPPED: only root may mount the file system of one megabyte that the full disk is made of.");
  expect(result.violations).toEqual([]);
  expect(fullFigures(result).filter(({ ok }) => ok === false)).toEqual([]);
});
