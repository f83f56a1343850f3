/** Frames per second over the last second or so. */
export class FrameMeter {
  fps = 0;
  private frames = 0;
  private sinceMs = 0;

  tick(nowMs: number): void {
    this.frames++;
    const spanMs = nowMs - this.sinceMs;
    if (spanMs < 1000) return;
    this.fps = (this.frames * 1000) / spanMs;
    this.frames = 0;
    this.sinceMs = nowMs;
  }
}
