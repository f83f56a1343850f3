/**
 * Owns what is sent to one client. Colyseus ignores the transport's result, ws buffers without bound and uWS drops silently; here every
 * message is either delivered in order, skipped by intent, or the reason the session ends (PROMISES P7).
 *
 * [GV1] A droppable frame is skipped while more than one frame is still buffered: what is late is worth less than what is next.
 * [GV2] An ordered message is never skipped. With more than `LIMITS.orderedQueueBytes` unsent, or no progress for
 *       `LIMITS.orderedStallMs`, the session is closed with a retryable code and resyncs.
 * [GV3] One message larger than any update (the document on join) may be in flight above that bound; a second may not.
 * [GV4] After `onSlow` nothing is sent any more; it is called at most once.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { Wire } from "./transports/wire.ts";

/** Frame headers and envelopes around a message of the size we know. */
const OVERHEAD_BYTES = 16;

/** Sums over all clients of the process, read by the metrics. Plain numbers: they are touched on every send. */
export type Traffic = { bytesOut: number; messagesOut: number; framesOut: number; framesSkipped: number; bytesIn: number; messagesIn: number };
export const newTraffic = (): Traffic => ({ bytesOut: 0, messagesOut: 0, framesOut: 0, framesSkipped: 0, bytesIn: 0, messagesIn: 0 });

export class SendGovernor {
  private readonly wire: Wire;
  private readonly traffic: Traffic;
  private readonly onSlow: () => void;
  private lastFrameBytes = 0;
  private bulkBytes = 0;
  private sentBytes = 0;
  private drainedBytes = 0;
  /** When the client last took something; the room's time at the first look, before which nothing can be said. */
  private progressMs: number | undefined;
  private slow = false;

  constructor(options: { readonly wire: Wire; readonly traffic: Traffic; readonly onSlow: () => void }) {
    this.wire = options.wire;
    this.traffic = options.traffic;
    this.onSlow = options.onSlow;
  }

  get bufferedBytes(): number {
    return this.wire.bufferedBytes;
  }

  /** Sends this tick's frame; false if it was skipped because the client lags. */
  frame(bytes: Uint8Array): boolean {
    if (!this.droppable(bytes)) {
      this.traffic.framesSkipped++;
      return false;
    }
    this.lastFrameBytes = bytes.length + OVERHEAD_BYTES;
    this.traffic.framesOut++;
    return true;
  }

  /** Sends a small message that is worth nothing late (a pong); false if it was skipped. */
  droppable(bytes: Uint8Array): boolean {
    return !this.slow && this.wire.bufferedBytes <= this.lastFrameBytes && this.write(bytes);
  }

  ordered(bytes: Uint8Array): void {
    if (this.slow) return;
    if (bytes.length > LIMITS.syncBytes) this.bulkBytes = Math.max(this.bulkBytes, bytes.length);
    if (!this.write(bytes)) return;
    const buffered = this.wire.bufferedBytes;
    if (buffered > LIMITS.orderedQueueBytes + this.bulkBytes) this.giveUp();
    else if (buffered <= LIMITS.orderedQueueBytes) this.bulkBytes = 0;
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
