/** A room that comes back with less than it had acknowledged, a backup having been put in place, under people who go on: the real SDK, the real core. */
import { listObjects } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import { SIM_SCENE } from "./scenarios.ts";
import { PROFILES } from "./virtual-link.ts";
import { type Inhabitant, World } from "./world.ts";

/** What is judged here is objects. */
const ANYWHERE = { p50: Number.POSITIVE_INFINITY, p95: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };
const world = (seed: number): World => new World({ seed, scene: SIM_SCENE, tickRateHz: 30, bug: "none", display: ANYWHERE });
const make = ({ space }: Inhabitant, id: string): void => void space.objects.create("thing", { label: id }, id);
const ids = ({ space }: Inhabitant): string[] =>
  listObjects(space.objects.doc, SIM_SCENE)
    .map(({ id }) => id)
    .sort();
const field = ({ space }: Inhabitant, id: string, name: string): unknown =>
  listObjects(space.objects.doc, SIM_SCENE).find((object) => object.id === id)?.fields[name];
const rest = (sim: World): Promise<void> => sim.time.runUntil(sim.time.nowMs + 1000);
const paste = ({ space }: Inhabitant, count: number): void =>
  space.transact(() => {
    for (let i = 0; i < count; i++)
      space.objects.create("thing", { label: "pasted text ".repeat(4), transform: { position: [i % 20, 1, 0] } }, `p-${i}`);
  });

describe("a room that lost what it had acknowledged", { timeout: 60_000 }, () => {
  it("[SS8] [LE1] gets it again from who wrote it, and a large paste behind it in parts, each edit with its own outcome", async () => {
    const sim = world(11);
    const ada = await sim.enter("ada", PROFILES.wifi);
    const denied: string[] = [];
    ada.space.on("denied", ({ reason, object }) => void denied.push(`${reason} ${object}`));
    make(ada, "kept");
    await rest(sim);
    for (const id of ["lost-1", "lost-2"]) {
      make(ada, id);
      ada.space.objects.get(id)?.text("label").insert(0, "more ");
      await rest(sim);
    }
    expect(ada.space.saved).toBe("saved");
    sim.crash(300, 2);
    paste(ada, 1500);
    // More than a text holds: refused, and nothing else with it.
    ada.space.objects.get("kept")?.text("label").ytext?.insert(0, "x".repeat(70_000));
    await sim.heal();
    const ben = await sim.enter("ben", PROFILES.wifi);
    await rest(sim);
    expect(denied).toEqual(["too-large "]);
    expect(ids(ben)).toEqual(ids(ada));
    expect(ids(ben).length).toBe(1503);
    expect(ids(ben)).toEqual(expect.arrayContaining(["kept", "lost-1", "lost-2", "p-0", "p-1499"]));
    expect(field(ben, "lost-2", "label")).toBe("more lost-2");
    expect(ada.space.stats.reconnects).toBe(1);
  });

  it("[SS8] [LE1] gets a large paste again that was acknowledged and then lost", async () => {
    const sim = world(12);
    const ada = await sim.enter("ada", PROFILES.wifi);
    const denied: string[] = [];
    ada.space.on("denied", ({ reason, object }) => void denied.push(`${reason} ${object}`));
    paste(ada, 1500);
    await rest(sim);
    await rest(sim);
    await rest(sim);
    expect(ada.space.saved).toBe("saved");
    sim.crash(300, 10_000);
    ada.space.objects.get("p-7")?.count("turns", 3);
    await sim.heal();
    const ben = await sim.enter("ben", PROFILES.wifi);
    await rest(sim);
    expect(denied).toEqual([]);
    expect(ids(ben).length).toBe(1500);
    expect(field(ben, "p-7", "turns")).toBe(3);
  });

  it("[SS8] [LE2] is not sent what others wrote: who still has it sees it go, and keeps what was not saved", async () => {
    const sim = world(13);
    const [ada, ben] = [await sim.enter("ada", PROFILES.wifi), await sim.enter("ben", PROFILES.wifi)];
    make(ada, "kept");
    await rest(sim);
    make(ben, "bens");
    await rest(sim);
    expect(ids(ada)).toEqual(["bens", "kept"]);
    await ben.space.leave();
    await rest(sim);
    sim.crash(300, 1);
    make(ada, "adas");
    await sim.time.runUntil(sim.time.nowMs + 4000);
    expect(ids(ada)).toEqual(["adas", "kept"]);
    expect(ada.space.saved).toBe("saved");
  });
});
