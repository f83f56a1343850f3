/**
 * Pose frames as they come: decoded into playouts, corrections into the rig, gaps into requests for intra blocks.
 *
 * [DL1] A malformed frame costs that frame. It is our own server's, so it is counted, not punished.
 * [DL2] A client that does not observe reads the heads only: its own rig must still agree with the room's.
 * [DL3] NACKs are paced: at most one message per NACK_MS.
 */
import {
  type Controls,
  FrameDecoder,
  FrameFlag,
  type FrameHead,
  type FrameSink,
  type GazeCode,
  type HandsState,
  HEAD_BYTES,
  type PoseSample,
  RIG_BYTES,
} from "@copresence/shared/pose";
import { encodeMessage, LIMITS } from "@copresence/shared/protocol";
import type { ClientClock } from "./link.ts";
import type { MeState } from "./me.ts";
import type { PeopleStore } from "./people.ts";

const NACK_MS = 100;

export type DownlinkPorts = {
  readonly clock: ClientClock;
  readonly me: MeState;
  readonly people: PeopleStore;
  /** Room time of a local time; only called once the clock is synchronised. */
  readonly roomTime: (localMs: number) => number | undefined;
  readonly send: (bytes: Uint8Array) => void;
  readonly observe: boolean;
};

export class Downlink implements FrameSink {
  tick = 0;
  receivedMs = 0;
  malformed = 0;
  private readonly ports: DownlinkPorts;
  private decoder: FrameDecoder | undefined;
  private arrivalMs = 0;
  private nackedMs = Number.NEGATIVE_INFINITY;

  constructor(ports: DownlinkPorts) {
    this.ports = ports;
  }

  linkUp(tickRateHz: number, tick: number): void {
    this.decoder = new FrameDecoder({ tickRateHz });
    this.tick = tick;
    this.receivedMs = this.ports.clock.now();
  }

  linkDown(): void {
    this.decoder = undefined;
  }

  onFrame(body: Uint8Array): void {
    const { decoder, ports } = this;
    if (decoder === undefined) return;
    this.receivedMs = ports.clock.now();
    // Before the first pong nothing is known about lateness: samples count as on time.
    this.arrivalMs = ports.roomTime(this.receivedMs) ?? Number.NaN;
    if (!decoder.decode(ports.observe ? body : headOf(body), this)) this.malformed++;
    this.nack(decoder);
  }

  /** A person left or fell asleep: what comes for this slot next starts anew. */
  forget(slot: number): void {
    this.decoder?.forget(slot);
  }

  onHead(head: FrameHead): void {
    this.tick = head.tick;
    this.ports.me.predictor.reconcile(head.inputAck, head.rig, this.receivedMs);
  }

  onPose(slot: number, sample: PoseSample): void {
    this.ports.people.push(slot, sample, Number.isNaN(this.arrivalMs) ? sample.timeMs : this.arrivalMs);
  }

  onHands(slot: number, timeMs: number, state: HandsState): void {
    this.ports.people.streamsOf(slot).onHands(timeMs, state);
  }
  onControls(slot: number, timeMs: number, controls: Controls): void {
    this.ports.people.streamsOf(slot).onControls(timeMs, controls);
  }
  onGaze(slot: number, timeMs: number, gaze: GazeCode): void {
    this.ports.people.streamsOf(slot).onGaze(timeMs, gaze);
  }

  private nack(decoder: FrameDecoder): void {
    if (this.receivedMs - this.nackedMs < NACK_MS) return;
    const slots = decoder.drainMissing(LIMITS.nackSlots);
    if (slots.length === 0) return;
    this.nackedMs = this.receivedMs;
    this.ports.send(encodeMessage({ type: "poseNack", slots }));
  }
}

/** The head is a frame of its own: one without sections. */
function headOf(body: Uint8Array): Uint8Array {
  const hasRig = ((body[0] ?? 0) & FrameFlag.rig) !== 0;
  return body.subarray(0, HEAD_BYTES + (hasRig ? RIG_BYTES : 0));
}
