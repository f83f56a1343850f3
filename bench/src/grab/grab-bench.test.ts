/** The bench on a few races and throws, so that it cannot rot, and checks that its judge sees what it should. */
import { describe, expect, it } from "vitest";
import { runPeer } from "./peers.ts";
import { runRaces } from "./races.ts";
import { raceFigures, throwFigures } from "./suite.ts";

const reproduce = "npm run bench -- grab --count 150";

describe("grab bench", () => {
  it("races: one holder, agreed in time, the loser told; the same seed gives the same races", async () => {
    const races = await runRaces(7, 150);
    for (const { id, value, bar, ok } of raceFigures(races)) expect(ok ?? true, `${id} is ${value}, bar ${bar}: ${reproduce}`).toBe(true);
    expect(races.some(({ clean }) => !clean)).toBe(true);
    expect(await runRaces(7, 3)).toEqual(races.slice(0, 3));
  });

  it("throws: everybody sees them land in one place, and nothing jumps", async () => {
    const figures = await throwFigures(10);
    for (const { id, value, bar, ok } of figures) expect(ok ?? true, `${id} is ${value}, bar ${bar}: ${reproduce}`).toBe(true);
    expect(figures.find(({ id }) => id === "grab.throws")?.value).toBeGreaterThan(3);
  });

  it("the judge counts what went wrong", () => {
    const good = { touches: { atMs: [0, 50] as const }, winner: 0, split: false, agreedMs: 180, stalledMs: 0, rollbackMs: 170, clean: true };
    const found = (races: Parameters<typeof raceFigures>[0]): string[] => raceFigures(races).flatMap(({ id, ok }) => (ok === false ? [id] : []));
    expect(found([good])).toEqual([]);
    expect(found([{ ...good, split: true, agreedMs: Number.NaN }])).toEqual(["grab.split_brain"]);
    expect(found([{ ...good, agreedMs: 220 }])).toEqual(["grab.converge_ms"]);
    expect(found([{ ...good, rollbackMs: 190 }])).toEqual(["grab.rollback_ms"]);
    expect(found([{ ...good, rollbackMs: Number.NaN }])).toEqual(["grab.losers_untold"]);
  });

  it("peers: messages without times split brains; networked-aframe's do not, but give it to who came last", () => {
    const touches = Array.from({ length: 300 }, (_, i) => ({ atMs: [0, (i % 200) + 1] as const }));
    expect(runPeer("last_message", touches, 1).split).toBeGreaterThan(100);
    const naf = runPeer("naf", touches, 1);
    expect([naf.split, naf.firstWins < 150]).toEqual([0, true]);
  });
});
