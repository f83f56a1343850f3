import type { SessionId } from "@copresence/shared/base";
import { CLOSE, LIMITS, syncCloseCode } from "@copresence/shared/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { applyAwarenessUpdate, Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { encodeStep1 } from "../../core/document/doc-wire.ts";
import { fakeWire } from "../testing/fake-wire.ts";
import { DocPeer } from "./doc-peer.ts";
import { newTraffic } from "./governor.ts";

/** What a y-websocket provider waits for any message before it takes the connection for dead. */
const PROVIDER_PATIENCE_MS = 30_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const wire = fakeWire();
  const refused: unknown[] = [];
  const heard: Uint8Array[] = [];
  const onRefused = (...why: unknown[]): void => void refused.push(why);
  const peer = new DocPeer({ session: "doc-1" as SessionId, wire, traffic: newTraffic(), onRefused });
  const admit = (): void => peer.admit({ onMessage: (bytes) => heard.push(bytes), onClosed: () => heard.push(new Uint8Array(0)) });
  return { wire, refused, heard, peer, admit };
}

describe("DocPeer", () => {
  it("[DP1] keeps what comes before admission, bounded", () => {
    const { peer, heard, admit, wire } = setUp();
    for (let i = 0; i < 8; i++) peer.handlers.onMessage(new Uint8Array([i]));
    admit();
    expect(heard.map(([first]) => first)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const eager = setUp();
    for (let i = 0; i < 9; i++) eager.peer.handlers.onMessage(new Uint8Array([i]));
    expect(eager.wire.closes.map(({ code }) => code)).toEqual([CLOSE.tooManyMessages.code]);
    expect(eager.peer.gone).toBe(true);
    expect(wire.closes).toEqual([]);
  });

  it("[DP5] is greeted once, when it asks for everything and is not in yet", () => {
    const bytes = new Uint8Array([0, 1, 2, 0, 0]);
    const answer = vi.fn(() => bytes);
    const everything = encodeStep1(new Uint8Array([0]));
    const { peer, heard, admit, wire } = setUp();
    expect(peer.greet(4, answer)).toBe("silent");
    peer.handlers.onMessage(everything);
    peer.handlers.onMessage(new Uint8Array([3]));
    expect([peer.greet(4, answer), peer.greet(4, answer)]).toEqual(["answered", "other"]);
    expect(peer.greetedEpoch).toBe(4);
    expect(wire.sent).toEqual([bytes]);
    // An answer is as large as the document: made for nobody else.
    expect(answer).toHaveBeenCalledOnce();
    admit();
    // Its question was answered; what else it said is delivered.
    expect(heard).toEqual([new Uint8Array([3])]);

    const others: [string, (peer: ReturnType<typeof setUp>) => void][] = [
      ["has something", ({ peer: one }) => one.handlers.onMessage(encodeStep1(new Uint8Array([1, 7, 3])))],
      ["asks nothing", ({ peer: one }) => one.handlers.onMessage(new Uint8Array([3]))],
      ["says what cannot be read", ({ peer: one }) => one.handlers.onMessage(new Uint8Array([0, 0, 9]))],
      ["is in", ({ peer: one, admit: letIn }) => (one.handlers.onMessage(everything), letIn())],
      ["is gone", ({ peer: one }) => (one.handlers.onMessage(everything), one.handlers.onClosed(1000))],
    ];
    for (const [name, happens] of others) {
      const set = setUp();
      happens(set);
      expect([name, set.peer.greet(4, answer), set.peer.greetedEpoch, set.wire.sent]).toEqual([name, "other", undefined, []]);
    }
    expect(answer).toHaveBeenCalledOnce();
  });

  it("[DP2] [DP3] closes once, with the code a provider stops on, and hears nothing more", () => {
    const { peer, heard, admit, wire, refused } = setUp();
    admit();
    peer.handlers.onMessage(new Uint8Array(LIMITS.syncBytes + 100));
    peer.handlers.onMessage(new Uint8Array([1]));
    peer.handlers.onText();
    expect(wire.closes).toEqual([{ code: syncCloseCode("messageTooLarge"), sentence: CLOSE.messageTooLarge.sentence }]);
    expect(wire.closes[0]?.code).toBe(4411);
    expect(heard).toEqual([]);
    expect(refused).toEqual([["messageTooLarge", true]]);
  });

  it("[DP4] is told something well within a provider's patience, which changes nothing there, and only while it is here", () => {
    const { peer, admit, wire } = setUp();
    vi.advanceTimersByTime(PROVIDER_PATIENCE_MS);
    expect(wire.sent).toEqual([]);
    admit();
    vi.advanceTimersByTime(PROVIDER_PATIENCE_MS / 2);
    expect(wire.sent.length).toBeGreaterThan(0);
    const [type, length, ...body] = wire.sent[0] ?? [];
    expect([type, length]).toEqual([1, body.length]);
    const awareness = new Awareness(new Y.Doc());
    const changes: unknown[] = [];
    awareness.on("update", (change: unknown) => changes.push(change));
    applyAwarenessUpdate(awareness, new Uint8Array(body), "server");
    expect(changes).toEqual([]);
    awareness.destroy();
    const before = wire.sent.length;
    peer.handlers.onClosed(1000);
    vi.advanceTimersByTime(PROVIDER_PATIENCE_MS);
    expect(wire.sent.length).toBe(before);
  });
});
