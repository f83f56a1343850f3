/**
 * What this client's body sends: locomotion inputs, then poses composed with them, at the pace the room asks for.
 *
 * [UL1] At most `hz` pose messages a second whatever the frame rate; due messages leave in `pump`, which the frame loop calls.
 * [UL2] Inputs are ordered and leave before the pose that was composed with them.
 * [UL3] Poses are droppable: what the link does not take is not kept, the next sample is newer.
 * [UL4] `hz` follows the room: full while somebody sees this person near, less otherwise, never above what the application allows.
 */
import { encodeUplinkBody } from "@copresence/shared/pose";
import { encodeMessage } from "@copresence/shared/protocol";
import type { MeState } from "./me.ts";

/** A frame this close before a message is due sends it: waiting for the next frame would be later than being early. */
const EARLY_PART = 0.25;

export type UplinkPorts = {
  readonly me: MeState;
  /** Whether a droppable message was taken. */
  readonly send: (bytes: Uint8Array, droppable: boolean) => boolean;
  /** Newest frame's tick, and when it came (local), to echo. */
  readonly lastFrame: () => { readonly tick: number; readonly receivedMs: number };
};

export class Uplink {
  /** What the room takes at most, what it has use for now, and what the application allows. */
  private roomHz = 30;
  private askedHz = 30;
  private allowedHz = Number.POSITIVE_INFINITY;
  private readonly ports: UplinkPorts;
  private dueMs = Number.NEGATIVE_INFINITY;
  private lastMs = Number.NEGATIVE_INFINITY;
  private seq = 0;

  constructor(ports: UplinkPorts) {
    this.ports = ports;
  }

  /** Pose messages a second now. */
  get hz(): number {
    return Math.max(1, Math.min(this.askedHz, this.roomHz, this.allowedHz));
  }

  /** A session begins: what its room takes, and has use for until it says otherwise. */
  linkUp(roomHz: number): void {
    this.roomHz = this.askedHz = roomHz;
  }

  /** What the application allows; what the room has asked for stays. */
  allow(hz: number): void {
    this.allowedHz = hz;
  }

  /** The room has use for this many messages a second now. */
  ask(hz: number): void {
    const before = this.hz;
    this.askedHz = hz;
    // Whoever is looked at again need not wait for what was due at the slower pace.
    if (this.hz > before) this.dueMs = Math.min(this.dueMs, this.lastMs + 1000 / this.hz);
  }

  /** Sends what is due at `nowMs`. */
  pump(nowMs: number): void {
    const intervalMs = 1000 / this.hz;
    if (nowMs < this.dueMs - intervalMs * EARLY_PART) return;
    const { me } = this.ports;
    for (let inputs = me.predictor.takeUnsent(); inputs.length > 0; inputs = me.predictor.takeUnsent()) {
      this.ports.send(encodeMessage({ type: "rigInput", inputs }), false);
    }
    if (!me.hasSamples) return;
    // On schedule while frames come in time; after a pause the schedule starts anew.
    this.lastMs = nowMs;
    this.dueMs = nowMs - this.dueMs > intervalMs ? nowMs + intervalMs : this.dueMs + intervalMs;
    this.sendPose(nowMs);
  }

  private sendPose(nowMs: number): void {
    const { me, lastFrame } = this.ports;
    const { xMm, yMm, zMm, yaw } = me.predictor.rig;
    const frame = lastFrame();
    this.seq = (this.seq + 1) & 0xffff;
    const message = encodeMessage({
      type: "poseUp",
      seq: this.seq,
      echoTick: frame.tick,
      echoAgeMs: Math.max(0, Math.min(255, Math.round(nowMs - frame.receivedMs))) || 0,
      rig: { positionMm: [xMm, yMm, zMm], yaw, inputSeq: me.predictor.inputSeq },
      body: encodeUplinkBody(me.takeSamples()),
    });
    this.ports.send(message, true);
  }
}
