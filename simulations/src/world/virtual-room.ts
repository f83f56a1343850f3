/**
 * The server's shell in virtual time: the real `SceneCore` between virtual links and a virtual disk. Does what
 * server/src/adapters/colyseus does, with nothing real in it.
 *
 * [VR1] Poses wait for the tick, everything else is stepped at once, pings are answered at once: as the real shell does.
 * [VR2] A crash loses everything but the durable records; all links break with 1006.
 * [VR3] A frame that finds more than one other still in flight is skipped and reported to the core, as the governor does.
 */
import { type CoreEffect, type CoreInput, SceneCore, type SessionDelta } from "@copresence/server/core";
import { assert, type SessionId, type UserId } from "@copresence/shared/base";
import { CLOSE, decodeDown, decodeUp, encodeMessage, ENVELOPE_BYTES, messageName } from "@copresence/shared/protocol";
import type { Scene } from "@copresence/shared/scene";
import type { Random } from "../random.ts";
import type { Bug } from "./bugs.ts";
import type { TraceHash } from "./trace-hash.ts";
import type { VirtualDisk } from "./virtual-disk.ts";
import { type LinkProfile, VirtualStream } from "./virtual-link.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What travels down: a registry message, a session-plane delta, or the end. */
export type Down =
  | { readonly kind: "message"; readonly id: number; readonly body: Uint8Array }
  | { readonly kind: "session"; readonly delta: SessionDelta }
  | { readonly kind: "closed"; readonly code: number; readonly sentence: string };

type Session = {
  readonly id: SessionId;
  readonly down: VirtualStream<Down>;
  framesInFlight: number;
  readonly deliver: (item: Down) => void;
  documentMessages: number;
};

export type VirtualRoomOptions = {
  readonly time: VirtualTime;
  readonly disk: VirtualDisk;
  readonly scene: Scene;
  readonly tickRateHz: number;
  readonly seed: number;
  readonly bug: Bug;
  readonly trace: TraceHash;
  /** True when moderation would hide the text. */
  readonly hides: (text: string) => boolean;
  /** Sees every session-plane change and every acknowledged clock, as decided. */
  readonly onDelta: (delta: SessionDelta) => void;
};

export class VirtualRoom {
  private readonly options: VirtualRoomOptions;
  private readonly sessions = new Map<SessionId, Session>();
  private core: SceneCore | undefined;
  private startedMs = 0;
  private inbox: CoreInput[] = [];
  private stopTicks = (): void => {};
  private sessionCount = 0;

  constructor(options: VirtualRoomOptions) {
    this.options = options;
  }

  get running(): SceneCore | undefined {
    return this.core;
  }

  get roomTimeMs(): number {
    return this.options.time.nowMs - this.startedMs;
  }

  start(): void {
    const { disk, scene, seed, tickRateHz, time } = this.options;
    const opened = SceneCore.open({
      space: "sim",
      region: "virtual",
      build: "simulation",
      tickRateHz,
      scene,
      loaded: disk.loaded(),
      seed,
      moderation: { failOpen: true, holdMs: 200 },
      capacity: 64,
    });
    assert(opened.ok, "the simulated document loads");
    this.core = opened.value;
    this.startedMs = time.nowMs;
    this.stopTicks = time.every(1000 / tickRateHz, () => this.step([]));
  }

  crash(): void {
    this.stopTicks();
    this.core = undefined;
    this.inbox = [];
    this.options.disk.crash();
    for (const session of this.sessions.values()) this.drop(session, 1006, "The connection was lost.");
    this.sessions.clear();
  }

  /** A session with its down link; undefined while there is no room. The caller delivers what comes down. */
  join(
    identity: { readonly user: string; readonly name: string; readonly role: string },
    profile: LinkProfile,
    random: Random,
    deliver: (item: Down) => void,
  ): SessionId | undefined {
    const core = this.core;
    if (core === undefined) return undefined;
    const id = `s${++this.sessionCount}` as SessionId;
    const session: Session = {
      id,
      down: new VirtualStream<Down>(this.options.time, random, profile, (item) => {
        if (item.kind === "message" && messageName(item.id) === "frame") session.framesInFlight--;
        deliver(item);
      }),
      deliver,
      framesInFlight: 0,
      documentMessages: 0,
    };
    this.sessions.set(id, session);
    for (const delta of core.snapshotSession()) session.down.send({ kind: "session", delta }, 64);
    this.step([{ kind: "join", session: id, identity: { ...identity, user: identity.user as UserId } }]);
    return id;
  }

  leave(id: SessionId): void {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    this.sessions.delete(id);
    session.down.close();
    this.step([{ kind: "leave", session: id }]);
  }

  /** A network that went away for longer than anybody waits. */
  breakLink(id: SessionId): void {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    this.sessions.delete(id);
    this.drop(session, 1006, "The connection was lost.");
    this.step([{ kind: "leave", session: id }]);
  }

  holdDown(id: SessionId, untilMs: number): void {
    this.sessions.get(id)?.down.hold(untilMs);
  }

  /** A message from a client has arrived. */
  receive(id: SessionId, bytes: Uint8Array): void {
    const core = this.core;
    const session = this.sessions.get(id);
    if (core === undefined || session === undefined) return;
    const decoded = decodeUp(bytes[1] ?? 0, bytes.subarray(ENVELOPE_BYTES));
    if (!decoded.ok) return this.step([{ kind: "malformed", session: id, sentence: decoded.error.fault }]);
    const message = decoded.value;
    if (message.type === "ping") {
      const pong = core.pong(id, message.clientTimeMs, this.roomTimeMs);
      if (pong !== undefined) this.send(session, pong);
      return;
    }
    const input: CoreInput = { kind: "message", session: id, receivedMs: this.roomTimeMs, message };
    if (message.type === "poseUp") this.inbox.push(input);
    else this.step([input]);
  }

  private step(inputs: readonly CoreInput[]): void {
    if (this.core === undefined) return;
    const all = [...this.inbox, ...inputs];
    this.inbox = [];
    for (const effect of this.core.step(all, this.roomTimeMs)) this.perform(effect);
  }

  private perform(effect: CoreEffect): void {
    const { bug, disk, time, trace } = this.options;
    trace.text(effect.kind);
    switch (effect.kind) {
      case "send":
      case "sendFrame": {
        trace.bytes(effect.bytes);
        const session = this.sessions.get(effect.session);
        if (session !== undefined) this.send(session, bug === "double-grant" ? alwaysGranted(effect.bytes) : effect.bytes);
        return;
      }
      case "session": {
        trace.text(JSON.stringify(effect.delta));
        this.options.onDelta(effect.delta);
        if (bug === "stale-lease" && effect.delta.kind === "leaseGone") return;
        for (const session of this.sessions.values()) session.down.send({ kind: "session", delta: effect.delta }, 64);
        return;
      }
      case "append":
        disk.append(effect.records, () => this.step([{ kind: "appended", batch: effect.batch, ok: true, sentence: "" }]), bug === "early-ack");
        return;
      case "note":
        disk.note(effect.key, effect.value, () => this.step([{ kind: "noted", write: effect.write, ok: true, sentence: "" }]));
        return;
      case "compact":
        time.after(4, () => this.step([{ kind: "compacted", ...disk.compact() }]));
        return;
      case "close": {
        const session = this.sessions.get(effect.session);
        if (session === undefined) return;
        this.sessions.delete(effect.session);
        session.down.send({ kind: "closed", code: CLOSE[effect.reason].code, sentence: CLOSE[effect.reason].sentence }, 16);
        return;
      }
      case "event": {
        const { event } = effect;
        if (event.kind === "text") {
          const hide = this.options.hides(event.text);
          time.after(4, () =>
            this.step([{ kind: "verdict", subject: event.subject, version: event.version, hide, reason: hide ? "listed word" : "" }]),
          );
        } else if (event.kind === "search") {
          time.after(4, () => this.step([{ kind: "searched", session: event.session, ref: event.ref, degraded: true, hits: [] }]));
        }
        return;
      }
      case "reroot":
        disk.reroot(effect.note, (fresh) => this.step([{ kind: "rerooted", fresh }]));
        return;
      case "recall":
        return this.step([{ kind: "recalled", id: effect.id, answer: undefined, sentence: "this world keeps no history" }]);
      case "sendDoc":
      case "count":
        return;
    }
  }

  private send(session: Session, bytes: Uint8Array): void {
    const id = bytes[1] as number;
    const name = messageName(id);
    const { bug } = this.options;
    if (name === "frame") {
      if (session.framesInFlight > 6) {
        this.inbox.push({ kind: "frameSkipped", session: session.id });
        return;
      }
      session.framesInFlight++;
    }
    if (name === "syncDown" && ++session.documentMessages % 7 === 0 && bug === "lost-update") return;
    const body = bytes.slice(ENVELOPE_BYTES);
    if (name === "frame" && bug === "wild-pose" && body.length > 12) body[10] = (body[10] as number) ^ 0x5a;
    session.down.send({ kind: "message", id, body }, bytes.length);
  }

  /** The link breaks now: nothing in flight arrives. */
  private drop(session: Session, code: number, sentence: string): void {
    session.down.close();
    this.options.time.after(0, () => session.deliver({ kind: "closed", code, sentence }));
  }
}

/** The planted bug: a refused claim answered with yes. */
function alwaysGranted(bytes: Uint8Array): Uint8Array {
  const decoded = decodeDown(bytes[1] as number, bytes.subarray(ENVELOPE_BYTES));
  return decoded.ok && decoded.value.type === "grabResult" ? encodeMessage({ ...decoded.value, granted: true, leaseMs: 10_000 }) : bytes;
}
