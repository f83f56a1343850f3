/**
 * Keeps the frame rate usable by drawing fewer pixels: when a device cannot keep up, the picture gets coarser, never the other way round
 * within a visit, because a picture that keeps changing its sharpness is worse than a soft one. Text and panels are not affected.
 */
import type { WebGLRenderer } from "three";

const SLOW_FPS = 22;
const JUDGE_MS = 1500;
const STEP = 0.75;
const COARSEST = 0.5;

export class Resolution {
  private readonly renderer: WebGLRenderer;
  private frames = 0;
  private sinceMs = 0;

  constructor(renderer: WebGLRenderer) {
    this.renderer = renderer;
  }

  /** Once per frame, outside of XR: headsets have their own ways. */
  tick(nowMs: number, deltaMs: number): void {
    // A pause (another tab, a garbage collection, loading) says nothing about drawing.
    if (deltaMs >= 250 || this.sinceMs === 0) {
      this.frames = 0;
      this.sinceMs = nowMs;
      return;
    }
    this.frames++;
    const spanMs = nowMs - this.sinceMs;
    if (spanMs < JUDGE_MS) return;
    const fps = (this.frames * 1000) / spanMs;
    this.frames = 0;
    this.sinceMs = nowMs;
    const ratio = this.renderer.getPixelRatio();
    if (fps < SLOW_FPS && ratio > COARSEST) this.renderer.setPixelRatio(Math.max(COARSEST, ratio * STEP));
  }
}
