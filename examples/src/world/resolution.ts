/**
 * Keeps the frame rate usable by drawing fewer pixels: when a device cannot keep up, the picture gets coarser, never the other way round
 * within a visit, because a picture that keeps changing its sharpness is worse than a soft one. Text and panels are not affected.
 */
const SLOW_FPS = 22;
const JUDGE_MS = 1500;
/** A longer gap was a pause (another tab, loading) and says nothing about drawing. */
const PAUSE_MS = 4000;
const STEP = 0.75;
const COARSEST = 0.5;

export type PixelRatio = { getPixelRatio(): number; setPixelRatio(ratio: number): void };

export class Resolution {
  private readonly target: PixelRatio;
  private frames = 0;
  private sinceMs = Number.NEGATIVE_INFINITY;
  private lastMs = Number.NEGATIVE_INFINITY;

  constructor(target: PixelRatio) {
    this.target = target;
  }

  /** Once per frame, outside of XR: headsets have their own ways. */
  tick(nowMs: number): void {
    const paused = nowMs - this.lastMs > PAUSE_MS;
    this.lastMs = nowMs;
    if (paused) return this.restart(nowMs);
    this.frames++;
    const spanMs = nowMs - this.sinceMs;
    if (spanMs < JUDGE_MS) return;
    const fps = (this.frames * 1000) / spanMs;
    const ratio = this.target.getPixelRatio();
    if (fps < SLOW_FPS && ratio > COARSEST) this.target.setPixelRatio(Math.max(COARSEST, ratio * STEP));
    this.restart(nowMs);
  }

  private restart(nowMs: number): void {
    this.frames = 0;
    this.sinceMs = nowMs;
  }
}
