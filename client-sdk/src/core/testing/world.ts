/** A client core joined to a fake room, for tests. */
import { createObject, defaultRoles, defineScene, type SceneSpec, t } from "@copresence/shared/scene";
import { seededRandom } from "../random.ts";
import { type SpaceOptions, startSpace } from "../space.ts";
import type { Space, SpaceObject } from "../space-types.ts";
import { FakeRoom } from "./fake-room.ts";
import { StepTime } from "./step-time.ts";

const spec = {
  name: "hall",
  version: 1,
  bounds: { min: [-20, -1, -20], max: [20, 10, 20] },
  roles: defaultRoles,
  objects: {
    valve: { transform: t.leased(), label: t.text(), open: t.lww(t.boolean()), turns: t.counter(), tags: t.set(), parts: t.list(t.string()) },
    lamp: { transform: t.leased(), color: t.lww(t.color("#ffcc00")) },
  },
} satisfies SceneSpec;
export type Hall = typeof spec;
export const hall = defineScene(spec);

export type TestWorld = { readonly time: StepTime; readonly room: FakeRoom; readonly space: Space<Hall>; readonly ready: Promise<void> };

/** Not joined yet; the room has one valve at (1, 1, 1). */
export function startWorld(options: Partial<SpaceOptions<Hall>> = {}): TestWorld {
  const time = new StepTime();
  const room = new FakeRoom(time);
  room.definition = hall.hash;
  createObject(room.doc, hall, "valve", "valve-1", { transform: { position: [1, 1, 1] } });
  let tickets = 0;
  const { space, ready } = startSpace<Hall>({
    url: "http://room",
    space: "hall",
    ticket: () => `ticket-${++tickets}`,
    scene: hall,
    dialer: room.dial,
    clock: time,
    scheduler: time,
    random: seededRandom(5),
    ...options,
  });
  return { time, room, space, ready };
}

export async function joinWorld(options: Partial<SpaceOptions<Hall>> = {}): Promise<TestWorld> {
  const world = startWorld(options);
  await world.time.run(50);
  await world.ready;
  return world;
}

/** The object the room starts with. */
export function valveOf(space: Space<Hall>): SpaceObject<Hall, "valve"> {
  const valve = space.objects.get("valve-1", "valve");
  if (valve === undefined) throw new Error("the valve is gone");
  return valve;
}
