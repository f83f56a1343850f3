/**
 * A room under test: a real core, a store that answers at once or when told to, and time that moves only when the test says so.
 * Imported by tests only.
 */
import type { SessionId } from "@copresence/shared/base";
import type { Rig } from "@copresence/shared/motion";
import { FrameDecoder, type FrameHead } from "@copresence/shared/pose";
import { ENVELOPE_BYTES, type MessageOf, type UpMessage } from "@copresence/shared/protocol";
import { createObject } from "@copresence/shared/scene";
import * as Y from "yjs";
import { identity, only, poseAt, poseUp, scene, sent, sessionId } from "./core-kit.ts";
import { encodeDocUpdate } from "./document/doc-wire.ts";
import { SceneCore } from "./scene-core.ts";
import type { SceneCoreOptions } from "./scene-core-options.ts";
import type { CoreEffect, CoreInput } from "./types.ts";

const HZ = 50;
export const TICK_MS = 1000 / HZ;

export const coreOptions = (over: Partial<SceneCoreOptions> = {}): SceneCoreOptions => ({
  space: "kit",
  region: "test",
  build: "0.0.0",
  tickRateHz: HZ,
  scene,
  loaded: { epoch: 1, seq: 0, snapshot: undefined, updates: [], cutRecords: 0 },
  seed: 1,
  moderation: { failOpen: true, holdMs: 200 },
  capacity: 8,
  ...over,
});

/** A document with cups at the given places, as a store would have loaded it. */
export function storedCups(places: Readonly<Record<string, readonly [number, number, number]>>): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = 77;
  for (const [id, position] of Object.entries(places)) createObject(doc, scene, "cup", id, { transform: { position } });
  return Y.encodeStateAsUpdate(doc);
}

export class CoreRun {
  readonly core: SceneCore;
  nowMs = 0;
  /** Answer appends in the step after the one that asked. */
  storeWorks = true;
  /** Batches that wait while the store does not answer. */
  readonly unanswered: number[] = [];

  constructor(over: Partial<SceneCoreOptions> = {}) {
    const opened = SceneCore.open(coreOptions(over));
    if (!opened.ok) throw new Error(opened.error.sentence);
    this.core = opened.value;
  }

  /** Steps with inputs that arrive now and, while the store works, answers what it was asked to append. */
  step(...inputs: CoreInput[]): CoreEffect[] {
    const all = [
      ...this.core.step(
        inputs.map((input) => this.arrived(input)),
        this.nowMs,
      ),
    ].map(keep);
    let batches = appends(all);
    while (this.storeWorks && batches.length > 0) {
      const more = this.core
        .step(
          batches.map((batch): CoreInput => ({ kind: "appended", batch, ok: true, sentence: "" })),
          this.nowMs,
        )
        .map(keep);
      all.push(...more);
      batches = appends(more);
    }
    this.unanswered.push(...batches);
    return all;
  }

  private arrived(input: CoreInput): CoreInput {
    return input.kind === "message" ? { ...input, receivedMs: this.nowMs } : input;
  }

  /** Moves time on by `ms`, stepping every millisecond-rounded tick on the way, then steps with `inputs`. */
  wait(ms: number, ...inputs: CoreInput[]): CoreEffect[] {
    const all: CoreEffect[] = [];
    const end = this.nowMs + ms;
    while (this.nowMs + TICK_MS < end) {
      this.nowMs += TICK_MS;
      all.push(...this.step());
    }
    this.nowMs = end;
    all.push(...this.step(...inputs));
    return all;
  }

  join(user: string, role?: string, session = `s-${user}`): CoreEffect[] {
    return this.step({ kind: "join", session: sessionId(session), identity: identity(user, role) });
  }
  say(user: string, message: UpMessage): CoreEffect[] {
    return this.step(this.input(user, message));
  }
  input(user: string, message: UpMessage): CoreInput {
    return { kind: "message", session: sessionId(`s-${user}`), receivedMs: this.nowMs, message };
  }
}

/** An edit of a client's own replica, as the SDK sends it. */
export function edit(doc: Y.Doc, change: () => void): UpMessage {
  const before = Y.encodeStateVector(doc);
  doc.transact(change);
  return { type: "sync", body: encodeDocUpdate(Y.encodeStateAsUpdate(doc, before)) };
}

/** A copy whose bytes outlive the step. */
const keep = (effect: CoreEffect): CoreEffect => (effect.kind === "sendFrame" ? { ...effect, bytes: effect.bytes.slice() } : effect);

const appends = (effects: readonly CoreEffect[]): number[] => effects.flatMap((effect) => (effect.kind === "append" ? [effect.batch] : []));

/** Heads of the frames a session was sent, decoded in order. */
export function headsOf(effects: readonly CoreEffect[], session: SessionId): FrameHead[] {
  const heads: FrameHead[] = [];
  const decoder = new FrameDecoder({ tickRateHz: HZ });
  const onHead = (head: FrameHead): void => void heads.push({ ...head, rig: head.rig && { ...head.rig } });
  for (const frame of framesOf(effects, session)) decoder.decode(frame.subarray(ENVELOPE_BYTES), { onHead, onPose: () => {} });
  return heads;
}

export const framesOf = (effects: readonly CoreEffect[], session: SessionId): Uint8Array[] =>
  effects.flatMap((effect) => (effect.kind === "sendFrame" && effect.session === session ? [effect.bytes] : []));

export const CUP = [0, 1, 0] as const;
export const withCup = () =>
  new CoreRun({ loaded: { epoch: 3, seq: 1, snapshot: undefined, updates: [storedCups({ "cup-1": CUP })], cutRecords: 0 } });
export const session = (user: string): SessionId => sessionId(`s-${user}`);
export const welcome = (effects: readonly CoreEffect[], user: string): MessageOf<"welcome"> => sent(effects, session(user), "welcome")[0]!;
export const rigOf = ({ rig }: MessageOf<"welcome">): Rig => ({
  xMm: rig.positionMm[0]!,
  yMm: rig.positionMm[1]!,
  zMm: rig.positionMm[2]!,
  yaw: rig.yaw,
});
export const closes = (effects: readonly CoreEffect[]) => only(effects, "close").map((effect) => [effect.session, effect.reason]);

/** Joins and sends a pose with both hands at `hand`. */
export function enter(run: CoreRun, user: string, hand: readonly number[] = CUP): MessageOf<"welcome"> {
  const hello = welcome(run.join(user), user);
  pose(run, user, hello, hand);
  return hello;
}
export function pose(run: CoreRun, user: string, hello: MessageOf<"welcome">, hand: readonly number[], delayMs = 0): CoreEffect[] {
  const sample = poseAt(run.nowMs - delayMs, [hand[0]!, 1.6, hand[2]! + 0.5], hand);
  return run.say(user, poseUp([sample], rigOf(hello)));
}
