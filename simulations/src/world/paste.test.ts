/** Two thousand objects in one `space.transact`: the real SDK in parts to the real core, over links that stall and a server that dies. */
import { listObjects } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import { SIM_SCENE } from "./scenarios.ts";
import { PROFILES } from "./virtual-link.ts";
import { type Inhabitant, World } from "./world.ts";

const PASTED = 2000;
/** What is judged here is objects. */
const ANYWHERE = { p50: Number.POSITIVE_INFINITY, p95: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };

async function two(seed: number): Promise<{ world: World; ada: Inhabitant; ben: Inhabitant; denied: string[] }> {
  const world = new World({ seed, scene: SIM_SCENE, tickRateHz: 30, bug: "none", display: ANYWHERE });
  const ada = await world.enter("ada", PROFILES.wifi);
  const ben = await world.enter("ben", PROFILES.wifi);
  const denied: string[] = [];
  ada.space.on("denied", ({ reason, object }) => void denied.push(`${reason} ${object}`));
  return { world, ada, ben, denied };
}
const paste = ({ space }: Inhabitant): void =>
  space.transact(() => {
    for (let i = 0; i < PASTED; i++) space.objects.create("thing", { label: `n ${i}`, transform: { position: [(i % 40) - 20, 1, 0] } }, `t-${i}`);
  });
const numbers = ({ space }: Inhabitant): number[] =>
  listObjects(space.objects.doc, SIM_SCENE)
    .map(({ id }) => Number(id.slice(2)))
    .sort((a, b) => a - b);
const all = Array.from({ length: PASTED }, (_, i) => i);

describe("a paste of two thousand objects", { timeout: 60_000 }, () => {
  it("reaches everybody, without a refusal or a lost link", async () => {
    const { world, ada, ben, denied } = await two(1);
    const startMs = world.time.nowMs;
    paste(ada);
    expect(ada.space.saved).toBe("saving");
    await world.heal();
    expect([world.violations.found, denied, ada.space.stats.reconnects]).toEqual([[], [], 0]);
    expect(numbers(ben)).toEqual(all);
    expect(numbers(ada)).toEqual(all);
    expect(world.time.nowMs - startMs).toBeLessThan(6000);
  });

  it.each([1, 2, 3])("survives a server that dies in the middle, and again (seed %d)", async (seed) => {
    const { world, ada, ben, denied } = await two(seed);
    paste(ada);
    await world.time.runUntil(world.time.nowMs + 150 * seed);
    // In the middle: some of it is there, and not all.
    expect(numbers(ben).length).toBeLessThan(PASTED);
    world.crash(400);
    await world.time.runUntil(world.time.nowMs + 1500);
    world.crash(300);
    await world.heal();
    expect([world.violations.found, denied]).toEqual([[], []]);
    expect(numbers(ben)).toEqual(all);
  });

  it("of which the room refuses one keeps what went before it, undoes the rest, and is denied once", async () => {
    const { world, ada, ben, denied } = await two(4);
    ben.space.objects.create("thing", { label: "mine" }, "t-1000");
    // On its way, and not yet at Ada's.
    await world.time.runUntil(world.time.nowMs + 15);
    paste(ada);
    await world.time.runUntil(world.time.nowMs + 5000);
    expect(ada.space.saved).toBe("denied");
    expect(denied).toEqual(["lost-race t-1000"]);
    const kept = numbers(ada);
    expect(numbers(ben)).toEqual(kept);
    const [before, after] = [kept.filter((n) => n < 1000), kept.filter((n) => n > 1000)];
    expect(before).toEqual(all.slice(0, before.length));
    expect(before.length).toBeGreaterThan(500);
    expect(after).toEqual([]);
    ada.space.objects.get("t-0")?.count("turns", 1);
    await world.heal();
    expect([world.violations.found, ada.space.saved]).toEqual([[], "saved"]);
  });

  it("can be edited, counted, lettered and thinned out in one edit of thousands of changes", async () => {
    const { world, ada, ben, denied } = await two(6);
    paste(ada);
    await world.heal();
    ben.space.on("denied", ({ reason, object }) => void denied.push(`${reason} ${object}`));
    const edit = (by: Inhabitant): void =>
      by.space.transact(() => {
        for (let i = 0; i < 900; i++) {
          const thing = by.space.objects.get(`t-${i}`);
          thing?.set("open", i % 2 === 0);
          thing?.count("turns", 1);
          thing?.count("turns", 2);
          thing?.text("label").replace(`no. ${i}`);
          if (i % 3 === 0) by.space.objects.delete(`t-${1999 - i}`);
        }
      });
    edit(ben);
    await world.heal();
    // Once more, over values and shares that are there.
    edit(ben);
    await world.heal();
    expect([world.violations.found, denied, numbers(ada).length]).toEqual([[], [], PASTED - 300]);
    const { fields } = listObjects(ada.space.objects.doc, SIM_SCENE).find(({ id }) => id === "t-7") ?? { fields: {} };
    expect(fields).toMatchObject({ open: false, turns: 6, label: "no. 7" });
  });

  it("can be deleted in one edit as well", async () => {
    const { world, ada, ben, denied } = await two(5);
    paste(ada);
    await world.heal();
    ben.space.transact(() => {
      for (const { id } of ben.space.objects) ben.space.objects.delete(id);
    });
    await world.heal();
    expect([world.violations.found, denied, numbers(ada), numbers(ben)]).toEqual([[], [], [], []]);
  });
});
