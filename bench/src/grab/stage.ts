/**
 * A stage for two who reach for the same thing and a third who looks on: the real room and three real SDK clients in virtual time.
 * Everything is derived from one seed.
 *
 * [GS1] Links delay by half an RTT each way and stall: a message in fifty is late by 1.25 RTT + 20 ms, with all behind it (virtual-link.ts).
 * [GS2] How long the network held a message up beyond half an RTT is known for each, so that it can be told apart from what the room takes.
 */
import { type Dialer, type Space, startSpace } from "@copresence/client/core";
import type { SessionDelta } from "@copresence/server/core";
import { assert } from "@copresence/shared/base";
import { decodeDown, decodeUp, ENVELOPE_BYTES, messageId, type MessageOf } from "@copresence/shared/protocol";
import { defineScene, type Scene, t } from "@copresence/shared/scene";
import { type Down, type LinkProfile, Random, TraceHash, VirtualDisk, VirtualRoom, VirtualStream, VirtualTime } from "@copresence/simulations/world";

export const RTT_MS = 150;
export const TICK_RATE_HZ = 30;
export const TICK_MS = 1000 / TICK_RATE_HZ;
export const STALLS = 0.02;
export const LINK: LinkProfile = { delayMs: RTT_MS / 2, jitterMs: 0, loss: STALLS, duplicate: 0 };

export const STAGE_SCENE: Scene<any> = defineScene({
  name: "stage",
  version: 1,
  bounds: { min: [-24, -1, -24], max: [24, 12, 24] },
  roles: { member: { create: true, edit: true, grab: true, chat: true, moderate: false } },
  objects: { ball: { transform: t.leased({ radiusM: 0.1 }) } },
});

export type Ask = MessageOf<"take"> | MessageOf<"letGo">;
export type StageEvents = {
  /** A client claims or lets go, now. */
  readonly says?: (name: string, message: Ask) => void;
  /** The room decided, now. */
  readonly decided?: (delta: SessionDelta) => void;
  /** What the room said reached somebody, `lateMs` later than the link's delay. */
  readonly told?: (name: string, what: SessionDelta | MessageOf<"grabResult">, lateMs: number) => void;
  /** A claim or a release reached the room, `lateMs` later than the link's delay. */
  readonly asked?: (name: string, message: Ask, lateMs: number) => void;
};

/** The trace of a world that nobody replays costs a third of its time. */
class NoTrace extends TraceHash {
  override bytes(): void {}
  override text(): void {}
  override number(): void {}
}

export class Stage {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly disk: VirtualDisk;
  readonly room: VirtualRoom;
  private readonly events: StageEvents;
  private readonly decidedMs = new Map<SessionDelta, number>();

  constructor(seed: number, events: StageEvents) {
    this.random = new Random(seed);
    this.events = events;
    this.disk = new VirtualDisk(this.time, this.random.fork("disk"));
    this.room = new VirtualRoom({
      time: this.time,
      disk: this.disk,
      scene: STAGE_SCENE,
      tickRateHz: TICK_RATE_HZ,
      seed,
      bug: "none",
      trace: new NoTrace(),
      hides: () => false,
      onDelta: (delta) => {
        this.decidedMs.set(delta, this.time.nowMs);
        events.decided?.(delta);
      },
    });
    this.room.start();
  }

  /** Somebody comes in and stands with what `pose` says (21 floats, room frame); drawn and sent `fps` times a second. */
  async enter(name: string, fps: number, pose: (nowMs: number, out: Float64Array) => void, drawn?: (nowMs: number) => void): Promise<Space> {
    const { time } = this;
    const random = this.random.fork(name);
    const { space, ready } = startSpace({
      url: "virtual://stage",
      space: "sim",
      ticket: () => name,
      scene: STAGE_SCENE,
      dialer: this.dialer(name, random),
      clock: { now: time.now },
      scheduler: { after: time.after },
      random: () => random.next(),
    });
    const door = { open: false };
    void ready.then(() => (door.open = true));
    for (let waitedMs = 0; !door.open && waitedMs < 5000; waitedMs += 5) await time.runUntil(time.nowMs + 5);
    assert(door.open, `${name} could not come on stage`);
    const local = new Float64Array(21);
    const frameMs = 1000 / fps;
    const frame = (): void => {
      pose(time.nowMs, local);
      toPlaySpace(space, local);
      space.me.setPose(local, undefined, time.nowMs);
      space.frame(time.nowMs);
      drawn?.(time.nowMs);
    };
    time.after(random.between(0, frameMs), () => time.every(frameMs, frame));
    return space;
  }

  /** Old deltas are forgotten: they have reached everybody. */
  tidy(): void {
    for (const [delta, ms] of this.decidedMs) if (this.time.nowMs - ms > 5000) this.decidedMs.delete(delta);
  }

  private dialer(name: string, random: Random): Dialer {
    const { time, room, events } = this;
    return async (_request, handlers) => {
      const deliver = (item: Down): void => {
        if (item.kind === "closed") return handlers.onClosed(item.code, item.sentence);
        if (item.kind === "session") {
          const decidedMs = this.decidedMs.get(item.delta);
          handlers.onSession(item.delta);
          if (decidedMs !== undefined) events.told?.(name, item.delta, time.nowMs - decidedMs - LINK.delayMs);
          return;
        }
        handlers.onMessage(item.id, item.body);
        const decoded = item.id === RESULT_ID ? decodeDown(item.id, item.body) : undefined;
        if (decoded?.ok === true && decoded.value.type === "grabResult") events.told?.(name, decoded.value, 0);
      };
      const session = room.join({ user: name, name, role: "member" }, LINK, random.fork("down"), deliver);
      assert(session !== undefined, "the room is there");
      const up = new VirtualStream<Sent>(time, random.fork("up"), LINK, ({ bytes, sentMs, message }) => {
        if (message !== undefined) events.asked?.(name, message, time.nowMs - sentMs - LINK.delayMs);
        room.receive(session, bytes);
      });
      return {
        send: (bytes) => {
          const message = askOf(bytes);
          if (message !== undefined) events.says?.(name, message);
          up.send({ bytes, sentMs: time.nowMs, message }, bytes.length);
          return true;
        },
        get bufferedBytes() {
          return up.inFlightBytes;
        },
        close: () => {
          up.close();
          room.leave(session);
        },
      };
    };
  }
}

const RESULT_ID = messageId("grabResult");
const ASKS = new Set([messageId("take"), messageId("letGo")]);

type Sent = { readonly bytes: Uint8Array; readonly sentMs: number; readonly message: Ask | undefined };

function askOf(bytes: Uint8Array): Ask | undefined {
  const id = bytes[1] ?? 0;
  const decoded = ASKS.has(id) ? decodeUp(id, bytes.subarray(ENVELOPE_BYTES)) : undefined;
  return decoded?.ok === true && (decoded.value.type === "take" || decoded.value.type === "letGo") ? decoded.value : undefined;
}

/** Nobody walks on this stage, so the rig only shifts. */
function toPlaySpace(space: Space, pose: Float64Array): void {
  const { xMm, yMm, zMm } = space.me.rig;
  for (let at = 0; at < 21; at += 7) {
    pose[at] = (pose[at] as number) - xMm / 1000;
    pose[at + 1] = (pose[at + 1] as number) - yMm / 1000;
    pose[at + 2] = (pose[at + 2] as number) - zMm / 1000;
  }
}

/** A pose of somebody who stands at `at` with both hands at `hand`, unturned. */
export function stand(at: readonly number[], hand: readonly number[], out: Float64Array): void {
  out.fill(0);
  out.set([at[0] ?? 0, 1.6, at[2] ?? 0], 0);
  for (const device of [7, 14]) out.set(hand, device);
  out[6] = out[13] = out[20] = 1;
}

/** Quantile of a sorted or unsorted list; 0 of nothing. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
