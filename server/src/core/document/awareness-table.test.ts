import type { SessionId, UserId } from "@copresence/shared/base";
import { beforeEach, describe, expect, it } from "vitest";
import * as awarenessProtocol from "y-protocols/awareness";
import * as Y from "yjs";
import type { Identity } from "../types.ts";
import { AwarenessTable } from "./awareness-table.ts";

const ann: Identity = { user: "ann" as UserId, name: "Ann", role: "member" };
const bob: Identity = { user: "bob" as UserId, name: "Bob", role: "member" };
const session = (name: string): SessionId => name as SessionId;

/** The reference implementation's update for one client. */
function say(client: number, clock: number, state: unknown): Uint8Array {
  const meta = new Map([[client, { clock, lastUpdated: 0 }]]);
  const states = new Map([[client, state as Record<string, unknown>]]);
  return awarenessProtocol.encodeAwarenessUpdate({ meta, states } as never, [client], states);
}

describe("AwarenessTable", () => {
  let table: AwarenessTable;
  let watcher: awarenessProtocol.Awareness;
  const hear = (bytes: Uint8Array | undefined | "malformed"): void => {
    if (bytes instanceof Uint8Array) awarenessProtocol.applyAwarenessUpdate(watcher, bytes, "server");
  };
  beforeEach(() => {
    table = new AwarenessTable();
    watcher = new awarenessProtocol.Awareness(new Y.Doc());
    clearInterval((watcher as unknown as { _checkInterval: ReturnType<typeof setInterval> })._checkInterval);
  });

  it("[AW2] passes a state on with the server's word on who it is", () => {
    hear(table.receive(session("a"), ann, say(7, 1, { cursor: 3, user: { name: "Bob", id: "bob", color: "#00ff00" } })));
    expect(watcher.getStates().get(7)).toEqual({ cursor: 3, user: { id: "ann", name: "Ann", role: "member", color: "#00ff00" } });
  });

  it("[AW1] ignores states for an id that is another session's", () => {
    hear(table.receive(session("a"), ann, say(7, 1, { cursor: 1 })));
    expect(table.receive(session("b"), bob, say(7, 9, { cursor: 2 }))).toBeUndefined();
    expect(table.receive(session("b"), bob, say(7, 9, null))).toBeUndefined();
    expect(watcher.getStates().get(7)).toMatchObject({ cursor: 1 });
  });

  it("[AW3] [AW4] ends states with their session, and shows them again to somebody who comes back with an old clock", () => {
    hear(table.receive(session("a"), ann, say(7, 40, { cursor: 1 })));
    hear(table.leave(session("a")));
    expect(watcher.getStates().has(7)).toBe(false);
    expect(table.all()).toBeUndefined();
    hear(table.receive(session("a2"), ann, say(7, 40, { cursor: 2 })));
    expect(watcher.getStates().get(7)).toMatchObject({ cursor: 2 });
    hear(table.receive(session("a2"), ann, say(7, 41, null)));
    expect(watcher.getStates().has(7)).toBe(false);
  });

  it("bounds a session's ids and a state's size, and refuses what cannot be read", () => {
    for (let client = 1; client <= 9; client++) table.receive(session("a"), ann, say(client, 1, {}));
    hear(table.all());
    expect([...watcher.getStates().keys()].filter((client) => client < 10)).toHaveLength(4);
    expect(table.receive(session("b"), bob, say(50, 1, { big: "x".repeat(5000) }))).toBeUndefined();
    expect(table.receive(session("b"), bob, say(50, 1, [1]))).toBeUndefined();
    expect(table.receive(session("b"), bob, new Uint8Array([1, 2]))).toBe("malformed");
    expect(table.receive(session("b"), bob, new Uint8Array([255, 255, 255, 255, 15]))).toBe("malformed");
  });
});
