/**
 * The plane's one piece of memory, in which blocks are made and frames are put together.
 *
 * [AR1] `copy` moves a few bytes, four at a time: it reads and writes up to COPY_SLACK beyond `length`, which whatever comes next overwrites
 *       and for which every part of the arena has room at its end. A loop over single bytes of blocks that are all of
 *       different lengths costs twice as much, nearly all of it mispredicted ends.
 */
/** What `copy` may write beyond what it was asked to. */
export const COPY_SLACK = 3;

export class Arena {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  /** For blocks; larger pieces are `copyWithin`'s. */
  copy(to: number, from: number, length: number): void {
    const { view } = this;
    for (let o = 0; o < length; o += 4) view.setInt32(to + o, view.getInt32(from + o, true), true);
  }
}

/**
 * Intra blocks of this tick: made when the first viewer needs one, copied for the others [PP1].
 */
export class IntraCache {
  private readonly base: number;
  private readonly each: number;
  private readonly lengths: Uint8Array;
  private readonly ticks: Float64Array;

  /** `each`: most bytes of a block; `base`: where the cache's part of the arena begins, `capacity * each` bytes. */
  constructor(options: { readonly capacity: number; readonly each: number; readonly base: number }) {
    this.base = options.base;
    this.each = options.each;
    this.lengths = new Uint8Array(options.capacity);
    this.ticks = new Float64Array(options.capacity).fill(-1);
  }

  /** Where the slot's block lies, or is to be written. */
  at(slot: number): number {
    return this.base + slot * this.each;
  }
  has(slot: number, tick: number): boolean {
    return this.ticks[slot] === tick;
  }
  /** The block of `tick` was written, up to arena offset `end`. */
  wrote(slot: number, tick: number, end: number): void {
    this.ticks[slot] = tick;
    this.lengths[slot] = end - this.at(slot);
  }
  length(slot: number): number {
    return this.lengths[slot] as number;
  }
}
