/**
 * The bytes of one step's frames, kept readable until the next step [CO2].
 *
 * [FA1] Steady state allocates no buffer: the arena keeps the largest size a step needed. Views of an outgrown buffer stay valid.
 */
const FIRST_BYTES = 1 << 16;

export class FrameArena {
  private bytes = new Uint8Array(FIRST_BYTES);
  private length = 0;

  reset(): void {
    this.length = 0;
  }

  /** A copy of `frame`, valid until `reset`. */
  copy(frame: Uint8Array): Uint8Array {
    if (this.length + frame.length > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(this.bytes.length * 2, frame.length));
      this.length = 0;
    }
    const at = this.length;
    this.length += frame.length;
    this.bytes.set(frame, at);
    return this.bytes.subarray(at, this.length);
  }
}
