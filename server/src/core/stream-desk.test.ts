import {
  HandEncoder,
  HandsState,
  MAX_HANDS_BYTES,
  FrameDecoder,
  Gesture,
  newControls,
  newGazeCode,
  encodeGaze,
  Stream,
  STREAM_HEAD_ROOM,
  writeStreamBody,
} from "@copresence/shared/pose";
import { offsetAt } from "@copresence/shared/pose";
import { ENVELOPE_BYTES, type MessageOf } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { counted, only, sent } from "./core-kit.ts";
import { CoreRun, enter, framesOf, pose, session, TICK_MS, welcome } from "./core-run.ts";
import type { CoreEffect } from "./types.ts";

const ALL = Stream.hands | Stream.controls | Stream.gaze;
const quality = (over: Partial<MessageOf<"quality">> = {}): MessageOf<"quality"> => ({
  type: "quality",
  offers: 0,
  takes: 0,
  viewKbitPerS: 0,
  fullPeople: 65_535,
  ...over,
});

/** A client's own encoder of joints. */
class Fingers {
  readonly encoder = new HandEncoder();
  readonly state = new HandsState();
  constructor(tipMm = 30) {
    this.state.present.fill(1);
    this.state.set(0, offsetAt(9) + 2, -tipMm);
  }
  body(timeMs: number, part: "auto" | "gaze" | "controls" = "auto"): MessageOf<"streamUp"> {
    const out = new Uint8Array(STREAM_HEAD_ROOM + MAX_HANDS_BYTES);
    if (part !== "auto") {
      const controls = newControls();
      controls.set([1, Gesture.point, 15, 0, 0, 1]);
      const gaze = newGazeCode();
      encodeGaze(0, 0, -1, gaze);
      const parts = { controls: part === "controls" ? controls : undefined, gaze: part === "gaze" ? gaze : undefined, hands: "none" } as const;
      return { type: "streamUp", body: out.slice(0, writeStreamBody(timeMs, parts, out)) };
    }
    const block = new Uint8Array(MAX_HANDS_BYTES);
    let length = this.encoder.encode(this.state, block, 0);
    const { reset } = this.encoder;
    if (reset) length = this.encoder.intra(block, 0);
    const at = writeStreamBody(timeMs, { controls: undefined, gaze: undefined, hands: reset ? "intra" : "update" }, out);
    out.set(block.subarray(0, length), at);
    return { type: "streamUp", body: out.slice(0, at + length) };
  }
}

/** Two people a metre apart, of whom ann offers and ben takes everything; the room has asked ann. */
function pair(): { run: CoreRun; asked: MessageOf<"streamDemand">[]; decoder: FrameDecoder } {
  const run = new CoreRun();
  const decoder = new FrameDecoder({ tickRateHz: 1000 / TICK_MS });
  const ann = enter(run, "ann", [0, 1, 0]);
  const ben = welcome(run.join("ben"), "ben");
  pose(run, "ben", ben, [1, 1, 0]);
  run.say("ben", quality({ takes: ALL }));
  const effects = run.say("ann", quality({ offers: ALL }));
  for (let i = 0; i < 20; i++) {
    effects.push(...run.wait(TICK_MS));
    effects.push(...pose(run, "ann", ann, [0, 1, 0]), ...pose(run, "ben", ben, [1, 1, 0]));
  }
  for (const frame of framesOf(effects, session("ben"))) decoder.decode(frame.subarray(ENVELOPE_BYTES), { onHead: () => {}, onPose: () => {} });
  return { run, asked: sent(effects, session("ann"), "streamDemand"), decoder };
}

/** What ben is shown of ann in frames, by stream. */
function shownTo(decoder: FrameDecoder, effects: readonly CoreEffect[]): string[] {
  const seen: string[] = [];
  const sink = {
    onHead: () => {},
    onPose: () => {},
    onHands: (slot: number, _: number, state: HandsState) => seen.push(`hands of ${slot}: ${-(state.values[offsetAt(9) + 2] as number)} mm`),
    onControls: (slot: number, _: number, controls: Uint8Array) => seen.push(`controls of ${slot}: ${controls[1]}`),
    onGaze: (slot: number, _: number, gaze: { present: number }) => seen.push(`gaze of ${slot}: ${gaze.present}`),
  };
  for (const frame of framesOf(effects, session("ben"))) expect(decoder.decode(frame.subarray(ENVELOPE_BYTES), sink)).toBe(true);
  return seen;
}

describe("optional streams of a room", () => {
  it("[SP1] are asked for where offered and watched, and shown to those who take them", () => {
    const { run, asked, decoder } = pair();
    expect(asked.at(-1)).toMatchObject({ streams: ALL, restart: 0 });
    const fingers = new Fingers();
    run.say("ann", fingers.body(run.nowMs - 10));
    expect(shownTo(decoder, run.wait(TICK_MS))).toEqual(["hands of 0: 30 mm"]);
    fingers.state.set(0, offsetAt(9) + 2, -50);
    run.say("ann", fingers.body(run.nowMs - 5));
    run.say("ann", fingers.body(run.nowMs - 4, "controls"));
    run.say("ann", fingers.body(run.nowMs - 3, "gaze"));
    const effects = run.wait(TICK_MS);
    expect(shownTo(decoder, effects)).toEqual([`controls of 0: ${Gesture.point}`, "gaze of 0: 1", "hands of 0: 30 mm"]);
    // The slow value went into the next H0.
    run.say("ann", fingers.body(run.nowMs - 3));
    expect(shownTo(decoder, run.wait(TICK_MS))).toEqual(["hands of 0: 50 mm"]);
    // Nothing new, nothing sent.
    expect(shownTo(decoder, run.wait(TICK_MS * 5))).toEqual([]);
  });

  it("go nowhere when they were not asked for, and end when nobody takes them any more", () => {
    const { run, decoder } = pair();
    run.say("ben", quality({ takes: Stream.controls }));
    const effects = run.wait(3000);
    expect(sent(effects, session("ann"), "streamDemand").at(-1)?.streams).toBe(Stream.controls);
    const fingers = new Fingers();
    run.say("ann", fingers.body(run.nowMs - 10));
    run.say("ann", fingers.body(run.nowMs - 9, "gaze"));
    expect(shownTo(decoder, run.wait(TICK_MS * 3))).toEqual([]);
  });

  it("[ST1] count a body that cannot be read as a strike, and refuse joints that are no hand and times that are no uplink's", () => {
    const { run, decoder } = pair();
    expect(sent(run.say("ann", { type: "streamUp", body: Uint8Array.of(255, 1) }), session("ann"), "denied")[0]).toMatchObject({
      reason: "malformed",
    });
    const effects = [
      ...run.say("ann", new Fingers(450).body(run.nowMs - 10)),
      ...run.say("ann", new Fingers().body(run.nowMs + 500)),
      ...run.say("ann", new Fingers().body(run.nowMs - 1500)),
      ...run.say("ann", new Fingers().body(run.nowMs - 20)),
    ];
    expect(counted(effects, "pose_refused")).toBe(4);
    expect(shownTo(decoder, run.wait(TICK_MS))).toEqual([]);
    run.say("ann", new Fingers().body(run.nowMs - 5));
    expect(shownTo(decoder, run.wait(TICK_MS))).toEqual(["hands of 0: 30 mm"]);
    expect(only(effects, "close")).toEqual([]);
  });

  it("[ST3] ask for a new beginning when joints refer to what never came, and not with every message", () => {
    const { run, decoder } = pair();
    const fingers = new Fingers();
    fingers.body(0);
    const effects = [1, 2, 3, 4].flatMap((n) => run.say("ann", fingers.body(run.nowMs - 10 + n)));
    expect(sent(effects, session("ann"), "streamDemand")).toMatchObject([{ streams: ALL, restart: 1 }]);
    fingers.encoder.restart();
    run.say("ann", fingers.body(run.nowMs - 1));
    expect(shownTo(decoder, run.wait(TICK_MS))).toEqual(["hands of 0: 30 mm"]);
  });

  it("of a sleeping person are ignored, and of a slot's next owner begin anew", () => {
    const { run, decoder } = pair();
    run.say("ann", new Fingers().body(run.nowMs - 10));
    run.say("ann", { type: "presence", state: "asleep" });
    run.say("ann", new Fingers().body(run.nowMs - 5));
    expect(shownTo(decoder, run.wait(TICK_MS * 2))).toEqual([]);
    run.step({ kind: "leave", session: session("ann") });
    decoder.forget(0);
    run.wait(5000);
    const eve = welcome(run.join("eve"), "eve");
    pose(run, "eve", eve, [0, 1, 0]);
    const effects = run.wait(1000);
    expect(sent(effects, session("eve"), "streamDemand")).toEqual([]);
    run.say("eve", new Fingers().body(run.nowMs - 5));
    expect(shownTo(decoder, run.wait(TICK_MS * 2))).toEqual([]);
  });
});
