/**
 * States that count from a moment on (buttons and gestures, gaze) shown when the body they belong to is shown at that moment, not before.
 *
 * [SP1] The newest state whose time has come. When more come in than wait (KEPT), the oldest count at once.
 * [SP2] A state that was not said again for EXPIRY_MS counts no more: who it is of went away, or sends it no longer. The room says it again
 *       every two seconds to whoever is near.
 */
const KEPT = 8;
export const EXPIRY_MS = 5000;

export class StatePlayout<T> {
  private readonly make: () => T;
  private readonly copy: (from: T, to: T) => void;
  private readonly waiting: { timeMs: number; readonly state: T }[] = [];
  private readonly spare: { timeMs: number; readonly state: T }[] = [];
  private current: T | undefined;
  private currentMs = 0;
  private readonly shown: T;

  constructor(make: () => T, copy: (from: T, to: T) => void) {
    this.make = make;
    this.copy = copy;
    this.shown = make();
  }

  reset(): void {
    this.spare.push(...this.waiting.splice(0));
    this.current = undefined;
  }

  push(timeMs: number, state: T): void {
    if (this.waiting.length === KEPT) this.take();
    const entry = this.spare.pop() ?? { timeMs: 0, state: this.make() };
    entry.timeMs = timeMs;
    this.copy(state, entry.state);
    this.waiting.push(entry);
  }

  /** The state that counts at room time `timeMs`, reused by later calls; undefined before the first. */
  at(timeMs: number): T | undefined {
    while (this.waiting.length > 0 && (this.waiting[0] as { timeMs: number }).timeMs <= timeMs) this.take();
    return timeMs - this.currentMs > EXPIRY_MS ? undefined : this.current;
  }

  private take(): void {
    const entry = this.waiting.shift();
    if (entry === undefined) return;
    this.copy(entry.state, this.shown);
    this.current = this.shown;
    this.currentMs = entry.timeMs;
    this.spare.push(entry);
  }
}
