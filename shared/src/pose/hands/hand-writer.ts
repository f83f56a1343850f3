/**
 * Measured joints to hand blocks: measures against what the readers have, then encodes. At the source; the room has the integers.
 */
import { HAND_FLOATS, type HandLayer, HANDS } from "./hand-format.ts";
import { HandEncoder } from "./hand-encoder.ts";
import { HandMeasure } from "./hand-measure.ts";
import { HandsState } from "./hand-state.ts";

export class HandWriter {
  private readonly encoder: HandEncoder;
  private readonly measure = new HandMeasure();
  private readonly measured = new HandsState();

  /** `trail`, `table`: as HandEncoder has them. */
  constructor(options: { trail?: boolean; table?: Uint8Array | undefined } = {}) {
    this.encoder = new HandEncoder(options);
  }

  /** The newest H0, as every reader has it. */
  get reference(): HandsState {
    return this.encoder.reference;
  }
  get layer(): HandLayer {
    return this.encoder.layer;
  }
  /** True when the last `encode` began anew: everybody needs an intra block instead. */
  get reset(): boolean {
    return this.encoder.reset;
  }
  get trail(): HandEncoder["trail"] {
    return this.encoder.trail;
  }

  /**
   * Encodes both hands (Float64Array[350]: left, then right, 25 joints of x y z qx qy qz qw, wrist first; `tracked`: Uint8Array[2]) into
   * out[offset..], which has MAX_HANDS_BYTES of room; returns the offset after the block. After `reset` nothing was written.
   */
  encode(pose: Float64Array, tracked: Uint8Array, out: Uint8Array, offset: number): number {
    const { encoder, measured } = this;
    const held = encoder.startsAnew(tracked) ? undefined : encoder.reference;
    for (let hand = 0; hand < HANDS; hand++) {
      measured.present[hand] = tracked[hand] === 1 ? 1 : 0;
      if (tracked[hand] === 1) this.measure.measure(pose, hand * HAND_FLOATS, hand, held, measured);
    }
    return encoder.encode(measured, out, offset);
  }

  /** The next `encode` begins anew: a reader asked for it. */
  restart(): void {
    this.encoder.restart();
  }

  /** Writes the newest H0 whole into out[offset..]; returns the offset after it. Only once `encode` was called. */
  intra(out: Uint8Array, offset: number): number {
    return this.encoder.intra(out, offset);
  }
}
