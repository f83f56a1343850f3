/** Byte meter: totals, and rates over windows of about a second. */
import type { ClientClock } from "./link.ts";

const WINDOW_MS = 1000;

export class Meter {
  bytesIn = 0;
  bytesOut = 0;
  framesIn = 0;
  bytesInPerS = 0;
  bytesOutPerS = 0;
  private readonly clock: ClientClock;
  private windowStartMs: number;
  private startIn = 0;
  private startOut = 0;

  constructor(clock: ClientClock) {
    this.clock = clock;
    this.windowStartMs = clock.now();
  }

  received(bytes: number): void {
    this.bytesIn += bytes;
    this.roll();
  }

  sent(bytes: number): void {
    this.bytesOut += bytes;
    this.roll();
  }

  /** Ends the window when it is full; also called by readers, so that rates fall to zero on a silent link. */
  roll(): void {
    const nowMs = this.clock.now();
    const elapsedMs = nowMs - this.windowStartMs;
    if (elapsedMs < WINDOW_MS) return;
    this.bytesInPerS = ((this.bytesIn - this.startIn) * 1000) / elapsedMs;
    this.bytesOutPerS = ((this.bytesOut - this.startOut) * 1000) / elapsedMs;
    this.startIn = this.bytesIn;
    this.startOut = this.bytesOut;
    this.windowStartMs = nowMs;
  }
}
