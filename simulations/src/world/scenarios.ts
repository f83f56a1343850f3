/**
 * What happens in a simulated world. A scenario is a script over a World; everything random comes from the world's seed.
 */
import { defineScene, type Scene, t } from "@copresence/shared/scene";
import type { DisplayBounds } from "./checkers.ts";
import { PROFILES } from "./virtual-link.ts";
import type { Inhabitant, World } from "./world.ts";

/** A little scene with every policy that the thin path has. */
export const SIM_SCENE: Scene<any> = defineScene({
  name: "simulation",
  version: 1,
  bounds: { min: [-24, -1, -24], max: [24, 12, 24] },
  roles: { member: { create: true, edit: true, grab: true, chat: true, moderate: false } },
  objects: {
    thing: { transform: t.leased(), label: t.text(), open: t.lww(t.boolean()), turns: t.counter() },
  },
});

export type Scenario = {
  readonly about: string;
  readonly display: DisplayBounds;
  readonly run: (world: World) => Promise<void>;
};

/** Everybody does something now and then: edits, grabs, chats. */
function live(world: World, inhabitant: Inhabitant, meanPauseMs: number): void {
  const random = world.random.fork(`life of ${inhabitant.space.me.user}`);
  const act = (): void => {
    if (world.quiet) return;
    const { space } = inhabitant;
    const ids = space.objects.ids();
    const object = ids.length > 0 ? space.objects.get(random.pick(ids)) : undefined;
    const dice = random.next();
    if (object === undefined || dice < 0.05) space.objects.create("thing", { label: `made by ${space.me.user}` });
    else if (dice < 0.25) object.count("turns");
    else if (dice < 0.45) object.text("label").insert(random.int(object.text("label").length + 1), random.pick(["a", "bc", "def", "grawlix "]));
    else if (dice < 0.55) object.set("open", random.chance(0.5));
    else if (dice < 0.6) space.chat("hello there");
    else if (object.heldByMe) object.release();
    else void object.grab(random.pick(["left", "right", "pointer"]));
    world.time.after(random.between(0.2, 1.8) * meanPauseMs, act);
  };
  world.time.after(random.between(0, meanPauseMs), act);
}

/** Half of the worlds are judged with things still in hand, the others after everybody has let go. */
function settleDown(world: World): void {
  if (world.random.fork("end").chance(0.5)) return;
  for (const { space } of world.people) for (const object of space.objects) if (object.heldByMe) object.release();
}

async function populate(world: World, count: number): Promise<void> {
  const profiles = [PROFILES.fibre, PROFILES.wifi, PROFILES.wifi, PROFILES["4g"]];
  for (let i = 0; i < count; i++) await world.enter(`person-${i}`, world.random.pick(profiles));
  const [first] = world.people;
  for (let i = 0; i < 3; i++) first?.space.objects.create("thing", { label: `thing ${i}`, transform: { position: [i - 1, 1.2, -1] } }, `thing-${i}`);
  await world.time.runUntil(world.time.nowMs + 400);
}

export const SCENARIOS = {
  cursory: {
    about:
      "three people on mixed links edit, grab and talk for three seconds; one of them is cut off for a while, and half of the time the server is killed",
    display: { p50: 0.03, p95: 0.12, most: 1 },
    run: async (world) => {
      await populate(world, 3);
      const { random, time } = world;
      for (const inhabitant of world.people) live(world, inhabitant, 220);
      const unlucky = random.pick(world.people);
      time.after(random.between(200, 1200), () => world.partition(unlucky, random.between(100, 900)));
      if (random.chance(0.5)) time.after(random.between(500, 2500), () => world.crash(random.between(100, 800)));
      await time.runUntil(time.nowMs + 3000);
      world.quiet = true;
      settleDown(world);
    },
  },
  storm: {
    about: "eight people, a cut every second or so, long enough now and then to break links, and two server crashes in twenty seconds",
    display: { p50: 0.04, p95: 0.2, most: 2 },
    run: async (world) => {
      await populate(world, 8);
      const { random, time } = world;
      for (const inhabitant of world.people) live(world, inhabitant, 300);
      for (let atMs = 0; atMs < 20_000; atMs += random.between(400, 1600)) {
        const unlucky = random.pick(world.people);
        const forMs = random.chance(0.15) ? random.between(4500, 8000) : random.between(100, 2000);
        time.after(atMs, () => world.partition(unlucky, forMs));
      }
      for (const atMs of [random.between(4000, 8000), random.between(12_000, 16_000)]) time.after(atMs, () => world.crash(random.between(100, 3000)));
      await time.runUntil(time.nowMs + 20_000);
      world.quiet = true;
      await time.runUntil(time.nowMs + 6000);
      settleDown(world);
    },
  },
  races: {
    about: "six people on every kind of link reach for the same thing again and again",
    display: { p50: 0.03, p95: 0.12, most: 1 },
    run: async (world) => {
      await populate(world, 6);
      const { time } = world;
      for (const inhabitant of world.people) {
        const random = world.random.fork(`reach ${inhabitant.space.me.user}`);
        const reach = (): void => {
          if (world.quiet) return;
          const object = inhabitant.space.objects.get("thing-1");
          if (object?.heldByMe) object.release();
          else void object?.grab("pointer");
          time.after(random.between(100, 600), reach);
        };
        time.after(random.between(0, 300), reach);
      }
      await time.runUntil(time.nowMs + 5000);
      world.quiet = true;
      settleDown(world);
    },
  },
} as const satisfies Record<string, Scenario>;
export type ScenarioName = keyof typeof SCENARIOS;
