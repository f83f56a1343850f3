/**
 * Owns what is sent to one client. Colyseus ignores the transport's result, ws buffers without bound and uWS drops silently; here every
 * message is either delivered in order, skipped by intent, or the reason the session ends (PROMISES P7).
 *
 * [GV1] A droppable frame is skipped while more than one frame is still buffered here, or when with it more than DROPPABLE_BYTES would be
 *       on their way unread: what is late is worth less than what is next, and what is ordered needs room, too.
 * [GV2] An ordered message is never skipped. With more than `LIMITS.orderedQueueBytes` unsent, or no progress for
 *       `LIMITS.orderedStallMs`, the session is closed with a retryable code and resyncs.
 * [GV3] One message larger than any update (the document on join) may be in flight above that bound; a second may not.
 * [GV4] After `onSlow` nothing is sent any more; it is called at most once.
 * [GV5] Kernels take megabytes for a client that reads nothing, so what a socket still buffers says little. Once a second a mark is set
 *       behind what was sent; the client has read up to it when it echoes a frame as new as the mark, or else when its socket answers a
 *       probe. A mark that nobody reaches in time ends the session like a stalled socket, within `LIMITS.orderedStallMs`.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { Wire } from "./transports/wire.ts";

/** Frame headers and envelopes around a message of the size we know. */
const OVERHEAD_BYTES = 16;
/** Of the queue's bound, what droppable messages may fill: the rest is for a few lines and answers. */
const DROPPABLE_BYTES = LIMITS.orderedQueueBytes - 8192;
/** Where a frame message carries its tick: after the envelope and the flags. */
const TICK_AT = 3;
/** A mark that no echo has reached by then is probed: the client may have nothing to say. */
const PROBE_AFTER_MS = 1500;
/** A second until the mark is set, one until it is looked at: together with this at most `LIMITS.orderedStallMs`. */
const MARK_PATIENCE_MS = LIMITS.orderedStallMs - 2500;
/** Above the queue's bound (a document on join) the slowest link that is worth waiting for, bytes per ms. */
const SLOWEST_BYTES_PER_MS = 16;

/** What became of a frame: on its way; on its way behind an earlier one that still waits here; or skipped. */
export type FrameFate = "sent" | "queued" | "skipped";

/** Sums over all clients of the process, read by the metrics. Plain numbers: they are touched on every send. */
export type Traffic = {
  bytesOut: number;
  messagesOut: number;
  framesOut: number;
  framesSkipped: number;
  bytesIn: number;
  messagesIn: number;
  /** The most that any one client had on its way unread, as far as its marks tell. */
  unreadBytesMost: number;
};
export const newTraffic = (): Traffic => ({
  bytesOut: 0,
  messagesOut: 0,
  framesOut: 0,
  framesSkipped: 0,
  bytesIn: 0,
  messagesIn: 0,
  unreadBytesMost: 0,
});

export class SendGovernor {
  private readonly wire: Wire;
  private readonly traffic: Traffic;
  private readonly onSlow: () => void;
  private lastFrameBytes = 0;
  private lastFrameTick = 0;
  private bulkBytes = 0;
  private sentBytes = 0;
  private drainedBytes = 0;
  /** When the client last took something; the room's time at the first look, before which nothing can be said. */
  private progressMs: number | undefined;
  /** What the client is known to have read, and the mark it should reach next. */
  private readBytes = 0;
  private marked = false;
  private markBytes = 0;
  private markTick = 0;
  private markMs = 0;
  /** Number of the probe that was sent for the mark, 0 for none, and what had been sent before it. */
  private probe = 0;
  private probes = 0;
  private probeBytes = 0;
  private slow = false;

  constructor(options: { readonly wire: Wire; readonly traffic: Traffic; readonly onSlow: () => void }) {
    this.wire = options.wire;
    this.traffic = options.traffic;
    this.onSlow = options.onSlow;
  }

  get bufferedBytes(): number {
    return this.wire.bufferedBytes;
  }
  /** Sent and, as far as is known, not read: here, in kernels, and under way. */
  get unreadBytes(): number {
    return this.sentBytes - this.readBytes;
  }

  /** Sends this tick's frame, or skips it because the client lags. */
  frame(bytes: Uint8Array): FrameFate {
    const waiting = this.wire.bufferedBytes;
    if (!this.mayDrop(waiting, bytes.length) || !this.write(bytes)) {
      this.traffic.framesSkipped++;
      return "skipped";
    }
    this.lastFrameBytes = bytes.length + OVERHEAD_BYTES;
    this.lastFrameTick = tickOf(bytes);
    this.traffic.framesOut++;
    return waiting > 0 ? "queued" : "sent";
  }

  /** Sends a small message that is worth nothing late (a pong); false if it was skipped. */
  droppable(bytes: Uint8Array): boolean {
    return this.mayDrop(this.wire.bufferedBytes, bytes.length) && this.write(bytes);
  }

  ordered(bytes: Uint8Array): void {
    if (this.slow) return;
    if (bytes.length > LIMITS.syncBytes) this.bulkBytes = Math.max(this.bulkBytes, bytes.length);
    if (!this.write(bytes)) return;
    const buffered = this.wire.bufferedBytes;
    if (buffered > LIMITS.orderedQueueBytes + this.bulkBytes) this.giveUp();
    else if (buffered <= LIMITS.orderedQueueBytes) this.bulkBytes = 0;
  }

  /** The client has the frame of this tick, and so everything sent before it. */
  echoed(tick: number): void {
    if (this.marked && tick >= this.markTick) this.reached(this.markBytes);
  }
  /** The client's socket answered a probe. */
  probed(probe: number): void {
    if (this.marked && probe === this.probe) this.reached(this.probeBytes);
  }

  /** Looks whether the client still makes progress; called about once a second with the room's time. */
  check(nowMs: number): void {
    const buffered = this.wire.bufferedBytes;
    const drained = this.sentBytes - buffered;
    if (this.progressMs === undefined || buffered === 0 || drained > this.drainedBytes) {
      this.drainedBytes = drained;
      this.progressMs = nowMs;
      if (buffered <= LIMITS.orderedQueueBytes) this.bulkBytes = 0;
    } else if (nowMs - this.progressMs > LIMITS.orderedStallMs) this.giveUp();
    if (buffered === 0) this.checkMark(nowMs);
    // While the socket itself shows progress, the mark's time has not come.
    else if (this.progressMs === nowMs) this.markMs = nowMs;
    this.traffic.unreadBytesMost = Math.max(this.traffic.unreadBytesMost, this.unreadBytes);
  }

  private checkMark(nowMs: number): void {
    if (!this.marked) {
      if (this.unreadBytes > 0) this.setMark(nowMs);
      return;
    }
    const waitedMs = nowMs - this.markMs;
    const bulkMs = Math.max(0, this.markBytes - this.readBytes - LIMITS.orderedQueueBytes) / SLOWEST_BYTES_PER_MS;
    if (waitedMs > MARK_PATIENCE_MS + bulkMs) this.giveUp();
    else if (this.probe === 0 && waitedMs >= PROBE_AFTER_MS) {
      this.probe = ++this.probes;
      this.probeBytes = this.sentBytes;
      this.wire.probe(this.probe);
    }
  }

  private setMark(nowMs: number): void {
    this.marked = true;
    this.markMs = nowMs;
    this.markBytes = this.sentBytes;
    // The echo of a frame says nothing about messages sent after it, so the mark's tick is one that is still to come.
    this.markTick = this.lastFrameTick + 1;
  }

  private reached(bytes: number): void {
    this.marked = false;
    this.probe = 0;
    this.readBytes = bytes;
  }

  /** Whether `length` bytes that may be dropped are to be sent, with `waiting` bytes still here. */
  private mayDrop(waiting: number, length: number): boolean {
    return !this.slow && waiting <= this.lastFrameBytes && this.sentBytes - this.readBytes + length <= DROPPABLE_BYTES;
  }

  private write(bytes: Uint8Array): boolean {
    if (!this.wire.send(bytes)) return false;
    this.sentBytes += bytes.length;
    this.traffic.bytesOut += bytes.length;
    this.traffic.messagesOut++;
    return true;
  }

  private giveUp(): void {
    if (this.slow) return;
    this.slow = true;
    this.onSlow();
  }
}

/** Little endian, as the frame's head has it; 0 for anything shorter. */
function tickOf(frame: Uint8Array): number {
  if (frame.length < TICK_AT + 4) return 0;
  return (
    ((frame[TICK_AT] as number) |
      ((frame[TICK_AT + 1] as number) << 8) |
      ((frame[TICK_AT + 2] as number) << 16) |
      ((frame[TICK_AT + 3] as number) << 24)) >>>
    0
  );
}
