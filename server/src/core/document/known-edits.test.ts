import { createObject, setField } from "@copresence/shared/scene";
import * as Y from "yjs";
import { describe, expect, it } from "vitest";
import { workshop, World } from "./document-harness.ts";

describe("edits the room has already", () => {
  it("[SE2] are acknowledged when they are durable, not when they are known", () => {
    const world = new World();
    const first = world.join("ada", { clientId: 500 });
    createObject(first.doc, workshop, "valve", "valve-1");
    world.auto = false;
    setField(first.doc, workshop, "valve-1", "open", true);
    const everything = Y.encodeStateAsUpdate(first.doc);
    world.leave(first);
    const again = world.join("ada", { clientId: 501 });
    again.sendUpdate(everything);
    expect(again.sent).toBeGreaterThan(again.acked);
    world.land();
    expect(again.acked).toBe(again.sent);
  });

  it("[SE2] are acknowledged at once when nothing waits for the disk", () => {
    const world = new World();
    const ada = world.join("ada", { clientId: 500 });
    createObject(ada.doc, workshop, "valve", "valve-1");
    ada.sendUpdate(Y.encodeStateAsUpdate(ada.doc));
    expect(ada.acked).toBe(ada.sent);
  });
});
