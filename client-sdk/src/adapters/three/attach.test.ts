import { PerspectiveCamera, Scene } from "three";
import { describe, expect, it } from "vitest";
import { YOU } from "../../core/testing/fake-room.ts";
import { joinWorld } from "../../core/testing/world.ts";
import { attachThree, type XrRenderer } from "./attach.ts";

const atDesk = (): XrRenderer => ({
  xr: {
    isPresenting: false,
    getFrame: () => null,
    getReferenceSpace: () => null,
    getSession: () => null,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  },
});

describe("attachThree", () => {
  it("puts people into the scene and takes them out again", async () => {
    const { space, room } = await joinWorld();
    const scene = new Scene();
    const attached = attachThree(space, { renderer: atDesk(), scene });
    room.tell({ kind: "person", person: YOU });
    const person = space.people.get(3);
    expect([attached.avatars.size, scene.children.length]).toEqual([1, 2]);
    attached.update();
    expect(person !== undefined && attached.avatars.get(person)?.object.visible).toBe(false);
    room.tell({ kind: "personGone", slot: 3 });
    expect([attached.avatars.size, scene.children.length]).toEqual([0, 1]);
    attached.dispose();
    expect(scene.children.length).toBe(0);
  });

  it("takes the camera for the head at a desk, and moves it with the rig", async () => {
    const { space } = await joinWorld();
    const camera = new PerspectiveCamera();
    camera.position.set(0, 1.7, 0);
    const attached = attachThree(space, { renderer: atDesk(), scene: new Scene(), camera });
    attached.update();
    expect([...space.me.pose.subarray(0, 3)]).toEqual([1, 1.7, -2]);
    space.me.teleport({ position: [5, 0, 5] });
    attached.update();
    camera.updateWorldMatrix(true, false);
    expect(camera.matrixWorld.elements.slice(12, 15)).toEqual([5, 1.7, 5]);
  });

  it("takes avatars of the application's own making", async () => {
    const { space, room } = await joinWorld();
    const made: string[] = [];
    const object = new Scene();
    attachThree(space, {
      renderer: atDesk(),
      scene: new Scene(),
      createAvatar: ({ name }) => (
        made.push(name),
        { object, update: () => made.push("update"), changed: () => made.push("changed"), dispose: () => made.push("gone") }
      ),
    }).update();
    room.tell({ kind: "person", person: YOU });
    room.tell({ kind: "person", person: { ...YOU, name: "Renamed" } });
    room.tell({ kind: "personGone", slot: 3 });
    expect(made).toEqual(["You", "changed", "gone"]);
  });
});
