import { RigPredictor } from "@copresence/shared/motion";
import { FrameDecoder, type FrameHead } from "@copresence/shared/pose";
import { encodeMessage, ENVELOPE_BYTES, LIMITS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { counted, deltas, grabMessage, only, poseAt, poseUp, scene, sent, sessionId } from "./core-kit.ts";
import { closes, coreOptions, CoreRun, CUP, enter, framesOf, headsOf, pose, rigOf, session, TICK_MS, welcome, withCup } from "./core-run.ts";
import { MAX_CATCH_UP, SceneCore } from "./scene-core.ts";
import { rigBoundsMm } from "./spawn.ts";
import type { CoreEffect, CoreInput } from "./types.ts";

const adaTicks = (effects: readonly CoreEffect[]): number[] => headsOf(effects, session("ada")).map(({ tick }) => tick);
const lastHead = (effects: readonly CoreEffect[]): FrameHead | undefined => headsOf(effects, session("ada")).at(-1);

describe("SceneCore: joining and leaving", () => {
  it("greets first, then shows the person, then the document", () => {
    const run = withCup();
    run.wait(100);
    const effects = run.join("ada");
    expect(effects[0]?.kind).toBe("send");
    expect(welcome(effects, "ada")).toMatchObject({
      slot: 0,
      session: "s-ada",
      user: "ada",
      role: "member",
      space: "kit",
      region: "test",
      build: "0.0.0",
      tickRateHz: 50,
      tick: 5,
      serverTimeMs: 100,
      definition: scene.hash,
      epoch: 3,
      uplinkHz: 50,
    });
    expect(only(effects, "session").map(({ delta }) => delta)).toMatchObject([{ kind: "person", person: { slot: 0, name: "ADA", status: "awake" } }]);
    expect(sent(effects, session("ada"), "syncDown").length).toBeGreaterThan(0);
    expect(run.core.snapshotSession()).toEqual(only(effects, "session").map(({ delta }) => delta));
  });

  it("[DO1] replaces the older session of the same person", () => {
    const run = withCup();
    run.join("ada");
    const effects = run.join("ada", "member", "s-ada-2");
    expect(closes(effects)).toEqual([["s-ada", "sessionReplaced"]]);
    expect(deltas(effects)).toEqual(["personGone", "person"]);
    expect(run.core.stats.people).toBe(1);
    expect(run.say("ada", { type: "chat", ref: 1, text: "from the old one" })).toEqual([]);
    expect(run.step({ kind: "leave", session: session("ada") })).toEqual([]);
    expect(run.core.stats.people).toBe(1);
  });

  it("refuses whom it has no slot for, and only them", () => {
    const run = new CoreRun({ capacity: 2 });
    run.join("ada");
    run.join("bob");
    expect(closes(run.join("eve"))).toEqual([["s-eve", "spaceFull"]]);
    run.step({ kind: "leave", session: session("bob") });
    expect(closes(run.join("eve"))).toEqual([]);
    expect(run.core.stats.people).toBe(2);
  });

  it("[DO2] leaves nothing behind", () => {
    const run = withCup();
    // The pipeline is told of the scene in the first tick that nobody waits for.
    expect(run.wait(2 * TICK_MS).map(({ kind }) => kind)).toEqual(["event"]);
    enter(run, "ada");
    run.wait(TICK_MS, run.input("ada", grabMessage()));
    run.say("ada", { type: "search", ref: 1, text: "x", limit: 0, withinM: 0, types: [], from: null });
    const effects = run.step({ kind: "leave", session: session("ada") });
    expect(deltas(effects)).toEqual(["leaseGone", "personGone"]);
    expect(run.core.stats).toMatchObject({ people: 0, leases: 0 });
    expect(run.core.snapshotSession()).toEqual([]);
    // The pipeline is told where the cup came to rest, and then nothing happens any more.
    expect(run.wait(TICK_MS).map(({ kind }) => kind)).toEqual(["event"]);
    expect(run.wait(5000).filter(({ kind }) => kind !== "compact")).toEqual([]);
  });

  it("admits document-only peers up to a bound; they have no slot", () => {
    const run = withCup();
    const doc = (i: number, kind: "docJoin" | "docLeave") =>
      run.step({ kind, session: sessionId(`d${i}`), identity: { user: `doc-${i}` as never, name: "doc", role: "member" } } as never);
    const first = doc(0, "docJoin");
    expect(only(first, "sendDoc").length).toBeGreaterThan(0);
    expect(only(first, "session")).toEqual([]);
    for (let i = 1; i < LIMITS.docPeers; i++) doc(i, "docJoin");
    expect(closes(doc(LIMITS.docPeers, "docJoin"))).toEqual([[`d${LIMITS.docPeers}`, "spaceFull"]]);
    doc(0, "docLeave");
    expect(closes(doc(LIMITS.docPeers, "docJoin"))).toEqual([]);
  });

  it("gives one person only some of the document-only places", () => {
    const run = withCup();
    const doc = (i: number) =>
      run.step({ kind: "docJoin", session: sessionId(`d${i}`), identity: { user: "greedy" as never, name: "doc", role: "member" } });
    for (let i = 0; i < LIMITS.docPeersPerPerson; i++) expect(closes(doc(i))).toEqual([]);
    expect(closes(doc(LIMITS.docPeersPerPerson))).toEqual([[`d${LIMITS.docPeersPerPerson}`, "spaceFull"]]);
  });

  it("[RL4] closes who falls asleep and wakes up without end", () => {
    const run = withCup();
    run.join("ada");
    for (let i = 0; i < LIMITS.presenceBurst; i++)
      expect(closes(run.say("ada", { type: "presence", state: i % 2 === 0 ? "asleep" : "awake" }))).toEqual([]);
    expect(closes(run.say("ada", { type: "presence", state: "asleep" }))).toEqual([["s-ada", "tooManyMessages"]]);
  });

  it("[SC4] does not open on a document that cannot be read", () => {
    const loaded = { epoch: 1, seq: 9, snapshot: new Uint8Array([1, 2, 3, 255, 255]), updates: [], cutRecords: 0 };
    const opened = SceneCore.open(coreOptions({ loaded }));
    expect(opened.ok).toBe(false);
    expect(!opened.ok && opened.error.sentence.length).toBeGreaterThan(10);
  });
});

describe("SceneCore: ticks and frames", () => {
  it("[SC1] runs each tick once, at most two late ones, one frame per awake viewer", () => {
    const run = withCup();
    enter(run, "ada");
    enter(run, "bob");
    run.nowMs = TICK_MS;
    expect(adaTicks(run.step())).toEqual([1]);
    expect(adaTicks(run.step())).toEqual([]);
    run.nowMs = TICK_MS * 2 - 0.5;
    expect(run.step()).toEqual([]);
    expect(run.core.tick).toBe(1);
    run.nowMs = TICK_MS * 40;
    run.step();
    expect(run.core.tick).toBe(40);
    expect(MAX_CATCH_UP).toBe(2);
  });

  it("shows others where somebody is, never themselves, and keeps every frame of a step readable", () => {
    const run = withCup();
    const [ada, bob] = [enter(run, "ada", [1, 1, 1]), enter(run, "bob", [-2, 1, 2])];
    run.nowMs = TICK_MS;
    const effects = run.core.step([], run.nowMs);
    const seen = (user: string) => {
      const poses: { slot: number; x: number }[] = [];
      const decoder = new FrameDecoder({ tickRateHz: 50 });
      for (const frame of framesOf(effects, session(user))) {
        const onPose = (slot: number, { pose: p }: { pose: Float64Array }): void => void poses.push({ slot, x: Math.round(p[7]! * 1000) / 1000 });
        expect(decoder.decode(frame.subarray(ENVELOPE_BYTES), { onHead: () => {}, onPose })).toBe(true);
      }
      return poses;
    };
    expect(seen("ada")).toEqual([{ slot: bob.slot, x: -2 }]);
    expect(seen("bob")).toEqual([{ slot: ada.slot, x: 1 }]);
  });

  it("acknowledges inputs in the head and sends the rig only when it differs", () => {
    const run = withCup();
    const hello = welcome(run.join("ada"), "ada");
    const client = new RigPredictor(rigOf(hello), rigBoundsMm(scene.bounds));
    client.push({ dtMs: 20, moveX: 0, moveZ: -127, heading: 0, turn: 0, teleport: null });
    run.say("ada", { type: "rigInput", inputs: client.takeUnsent() });
    expect(lastHead(run.wait(TICK_MS))).toMatchObject({ inputAck: 1, rig: undefined });
    // Sixty inputs of 50 ms at once: more time than passed. The room refuses what it must and says where the person is.
    for (let i = 0; i < 60; i++) client.push({ dtMs: 50, moveX: 0, moveZ: -127, heading: 0, turn: 0, teleport: null });
    for (let i = 0; i < 2; i++) run.say("ada", { type: "rigInput", inputs: client.takeUnsent() });
    const head = lastHead(run.wait(TICK_MS))!;
    expect(head.inputAck).toBe(61);
    expect(head.rig).toBeDefined();
    client.reconcile(head.inputAck, head.rig, run.nowMs);
    const sample = poseAt(run.nowMs, [client.rig.xMm / 1000, 1.6, client.rig.zMm / 1000]);
    expect(counted(run.say("ada", poseUp([sample], client.rig, client.inputSeq)), "pose_refused")).toBe(0);
    expect(lastHead(run.wait(300))?.rig).toBeUndefined();
  });

  it("counts refused and clamped samples, and tells others neither", () => {
    const run = withCup();
    const hello = enter(run, "ada");
    run.wait(100);
    const wild = poseAt(run.nowMs, [9, 1.6, 9]);
    expect(counted(run.say("ada", poseUp([wild], rigOf(hello))), "pose_refused")).toBe(1);
    const long = poseAt(run.nowMs, [0, 1.6, 0.5], [0, 1, 4]);
    expect(counted(run.say("ada", poseUp([long], rigOf(hello))), "pose_clamped")).toBe(1);
  });

  it("answers pings at once with the room's time and the uplink's slack", () => {
    const run = withCup();
    const hello = enter(run, "ada");
    run.wait(TICK_MS * 2 - 7);
    pose(run, "ada", hello, CUP);
    run.wait(7);
    const bytes = run.core.pong(session("ada"), 123.5, run.nowMs + 3)!;
    const pong = sent([{ kind: "send", session: session("ada"), bytes, droppable: true }], session("ada"), "pong")[0]!;
    expect(pong).toEqual({ type: "pong", clientTimeMs: 123.5, serverTimeMs: run.nowMs + 3, slackMs: 7 });
    expect(run.core.pong(sessionId("nobody"), 1, 2)).toBeUndefined();
    expect(sent(run.say("ada", { type: "ping", clientTimeMs: 5 }), session("ada"), "pong")[0]?.clientTimeMs).toBe(5);
    let answered = 0;
    for (let i = 0; i < 1000; i++) if (run.core.pong(session("ada"), i, run.nowMs) !== undefined) answered++;
    expect(answered).toBeLessThanOrEqual(LIMITS.droppableBurst);
  });

  it("asleep: leases end, poses and frames pause, waking shows everybody again", () => {
    const run = withCup();
    const ada = enter(run, "ada");
    const bob = enter(run, "bob", [3, 1, 3]);
    run.wait(TICK_MS, run.input("ada", grabMessage()));
    run.wait(TICK_MS);
    const slept = run.say("ada", { type: "presence", state: "asleep" });
    expect(deltas(slept)).toEqual(["leaseGone", "person"]);
    expect(run.say("ada", { type: "presence", state: "asleep" })).toEqual([]);
    pose(run, "ada", ada, CUP);
    const during = run.wait(200);
    expect(framesOf(during, session("ada"))).toEqual([]);
    expect(deltas(run.say("ada", { type: "presence", state: "awake" }))).toEqual(["person"]);
    run.wait(TICK_MS);
    pose(run, "ada", ada, [-5, 1, -5]);
    pose(run, "bob", bob, [3.01, 1, 3]);
    const woken = run.wait(TICK_MS);
    expect(framesOf(woken, session("ada")).length).toBe(1);
    expect(run.core.explain(ada.slot, bob.slot).why).not.toMatch(/waits for an intra/);
  });
});

describe("SceneCore: bad input costs one session", () => {
  it("[SC2] poses that come as bytes do what decoded ones do, malformed samples included", () => {
    const play = (asBytes: boolean): string => {
      const run = new CoreRun();
      const hello = enter(run, "ada");
      enter(run, "bob");
      const broken = { ...poseUp([poseAt(0, [0, 1.6, 0])], rigOf(hello)), body: new Uint8Array([255, 255, 255]) };
      const all: CoreEffect[] = [];
      for (let i = 0; i < 20; i++) {
        const message = i > 14 ? broken : poseUp([poseAt(run.nowMs, [0, 1.6, i / 100])], rigOf(hello));
        const bytes = encodeMessage(message);
        const input: CoreInput = asBytes
          ? { kind: "pose", session: session("ada"), receivedMs: run.nowMs, bytes, at: ENVELOPE_BYTES, length: bytes.length - ENVELOPE_BYTES }
          : { kind: "message", session: session("ada"), receivedMs: run.nowMs, message };
        all.push(...run.wait(40, input));
      }
      return JSON.stringify(all, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value));
    };
    expect(play(true)).toBe(play(false));
  });

  it("[DO4] answers malformed messages with a reason and closes after the last strike", () => {
    const run = withCup();
    run.join("ada");
    run.join("bob");
    const bad = () => run.step({ kind: "malformed", session: session("ada"), sentence: "truncated" });
    for (let i = 0; i < LIMITS.malformedStrikes; i++) {
      const effects = bad();
      expect(sent(effects, session("ada"), "denied")).toMatchObject([{ reason: "malformed", sentence: "truncated" }]);
      expect(counted(effects, "malformed")).toBe(1);
    }
    const last = bad();
    expect(closes(last)).toEqual([["s-ada", "malformedMessage"]]);
    expect(deltas(last)).toEqual(["personGone"]);
    expect(bad()).toEqual([]);
    expect(run.core.stats.people).toBe(1);
  });

  it("counts unreadable pose samples as malformed", () => {
    const run = withCup();
    const hello = welcome(run.join("ada"), "ada");
    const broken = { ...poseUp([poseAt(0, [0, 1, 0])], rigOf(hello)), body: new Uint8Array([0]) };
    expect(sent(run.say("ada", broken), session("ada"), "denied")).toMatchObject([{ reason: "malformed" }]);
  });

  it("closes a flood of ordered messages retryably, after one warning", () => {
    const run = withCup();
    run.join("ada");
    const flood = Array.from({ length: LIMITS.orderedBurst + 5 }, () => run.input("ada", { type: "rigInput", inputs: [] }));
    const effects = run.step(...flood);
    expect(sent(effects, session("ada"), "denied")).toMatchObject([{ reason: "too-many" }]);
    expect(closes(effects)).toEqual([["s-ada", "tooManyMessages"]]);
  });

  it("drops a flood of poses without anybody else noticing", () => {
    const run = withCup();
    const ada = enter(run, "ada");
    const message = poseUp([poseAt(0, [0, 1.6, 0.5], CUP)], rigOf(ada));
    const effects = run.step(...Array.from({ length: 700 }, () => run.input("ada", message)));
    expect(closes(effects)).toEqual([]);
    expect(counted(effects, "pose_refused")).toBe(LIMITS.droppableBurst - 1);
  });

  it("ignores everything from a session it does not know", () => {
    const run = withCup();
    run.step();
    const ghost = sessionId("s-ghost");
    expect(
      run.step(
        run.input("ghost", { type: "chat", ref: 0, text: "boo" }),
        { kind: "leave", session: ghost },
        { kind: "docLeave", session: ghost },
        { kind: "docMessage", session: ghost, bytes: new Uint8Array([0, 0, 1, 0]) },
        { kind: "malformed", session: ghost, sentence: "x" },
        { kind: "frameSkipped", session: ghost },
        { kind: "searched", session: ghost, ref: 0, degraded: false, hits: [] },
        { kind: "verdict", subject: { kind: "chat", id: 5 }, version: 1, hide: true, reason: "x" },
        { kind: "verdict", subject: { kind: "field", object: "o", field: "f" }, version: 1, hide: true, reason: "x" },
        { kind: "appended", batch: 99, ok: true, sentence: "" },
      ),
    ).toEqual([]);
  });
});
