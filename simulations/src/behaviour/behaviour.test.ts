import { loadBehaviourModel } from "@copresence/server/behaviour-model";
import { describe, expect, it } from "vitest";
import { floodCaughtS, FLOOD_SCENES, workAlarmS } from "./floods.ts";
import { benignScene, offenceScene, play } from "./play.ts";

/** Neither training's nor the bench's. */
const SEED = 4242;
const model = await loadBehaviourModel();
if (!model.ok) throw new Error(model.error);

describe("the behaviour model", () => {
  it("is the one its manifest names", async () => {
    const elsewhere = await loadBehaviourModel(new URL("./", import.meta.url));
    expect([model.ok, elsewhere.ok]).toEqual([true, false]);
  });

  it("catches who gestures in somebody's face, and names them, not their victim", () => {
    const scene = offenceScene("gestures", SEED);
    const { alarms } = play(scene, 15, model.value);
    expect(alarms.some(({ slot, victim }) => slot === scene.offender && victim === scene.victim)).toBe(true);
    expect(alarms.filter(({ slot }) => slot === scene.victim)).toEqual([]);
  });

  it("lets people queue, where a distance rule fires", () => {
    const { alarms, baselineAlarms } = play(benignScene("queue", SEED), 60, model.value);
    expect(alarms).toEqual([]);
    expect(baselineAlarms).toBeGreaterThan(0);
  });

  it("[AG1] the same seed plays the same", () => {
    const [one, two] = [0, 1].map(() => play(offenceScene("following", SEED), 12, model.value).alarms);
    expect(one).toEqual(two);
  });
});

describe("floods", () => {
  it.each(FLOOD_SCENES)("%s is caught within ten seconds", (kind) => {
    for (let seed = 0; seed < 20; seed++) expect(floodCaughtS(kind, seed)).toBeLessThanOrEqual(10);
  });

  it("people at work raise no alarm", () => {
    for (let seed = 0; seed < 60; seed++) expect(workAlarmS(seed)).toBe(Number.POSITIVE_INFINITY);
  });
});
