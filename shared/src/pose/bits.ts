/**
 * Bit writer and reader of the pose blocks: most significant bit first, 32-bit integer arithmetic only, nothing allocated.
 *
 * [BI1] The reader never throws and never reads outside [start, end): past the end it yields zeros and `overrun` is set.
 * [BI2] Zig-zag maps 0,-1,1,-2,... to 0,1,2,3,...
 * [BI3] Rice: quotient in unary (ones, closed by a zero), then k remainder bits; at quotient ESCAPE_QUOTIENT the zero is left
 *       out and ESCAPE_BITS raw bits follow. So any value costs at most ESCAPE_QUOTIENT + ESCAPE_BITS bits.
 * [BI4] Exp-Golomb of order k, used where values are rare or spread: at most 24 leading zeros are accepted.
 */
export const ESCAPE_QUOTIENT = 12;
export const ESCAPE_BITS = 22;
/** Largest value a Rice code can carry (after zig-zag). */
export const RICE_MAX = 2 ** ESCAPE_BITS - 1;
/** Largest parameter: keeps a whole code word within one 24-bit write. */
export const RICE_K_MAX = 11;
const EXP_GOLOMB_ZEROS = 24;

export const zigzag = (value: number): number => (value << 1) ^ (value >> 31);
export const unzigzag = (code: number): number => (code >>> 1) ^ -(code & 1);

export class BitWriter {
  bytes: Uint8Array;
  private at = 0;
  private pending = 0;
  private pendingBits = 0;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.bytes = bytes;
  }

  /** Starts writing at byte `offset` of `bytes`; the caller leaves room for the largest block. */
  start(bytes: Uint8Array, offset: number): void {
    this.bytes = bytes;
    this.at = offset;
    this.pending = 0;
    this.pendingBits = 0;
  }

  /** The low `count` bits of `value`; count 0..24. */
  put(value: number, count: number): void {
    let pending = (this.pending << count) | value;
    let bits = this.pendingBits + count;
    while (bits >= 8) {
      bits -= 8;
      this.bytes[this.at++] = pending >>> bits;
    }
    pending &= (1 << bits) - 1;
    this.pending = pending;
    this.pendingBits = bits;
  }

  /** `code` in 0..RICE_MAX, already zig-zagged. */
  rice(code: number, k: number): void {
    const quotient = code >>> k;
    if (quotient < ESCAPE_QUOTIENT) {
      this.put((((1 << (quotient + 1)) - 2) << k) | (code & ((1 << k) - 1)), quotient + 1 + k);
    } else {
      this.put((1 << ESCAPE_QUOTIENT) - 1, ESCAPE_QUOTIENT);
      this.put(code & RICE_MAX, ESCAPE_BITS);
    }
  }

  /** `code` in 0..2^24-1. */
  expGolomb(code: number, k: number): void {
    const value = code + (1 << k);
    const extra = 31 - Math.clz32(value);
    this.put(0, extra - k);
    this.put(1, 1);
    this.put(value & ((1 << extra) - 1), extra);
  }

  /** Fills the last byte with zeros; returns the offset after it. */
  finish(): number {
    if (this.pendingBits > 0) this.put(0, 8 - this.pendingBits);
    return this.at;
  }
}

export class BitReader {
  overrun = false;
  private bytes: Uint8Array = new Uint8Array(0);
  /** Bits from the array's beginning to the next one, and to the end. */
  private at = 0;
  private end = 0;

  start(bytes: Uint8Array, offset: number, end: number): void {
    this.bytes = bytes;
    this.at = offset * 8;
    this.end = end * 8;
    this.overrun = false;
  }

  /** The next 25 bits or more, from the top of a 32-bit integer on. */
  private peek(): number {
    const { bytes } = this;
    const i = this.at >>> 3;
    const inside = i * 8 + 32 <= this.end;
    const word = inside
      ? ((bytes[i] as number) << 24) | ((bytes[i + 1] as number) << 16) | ((bytes[i + 2] as number) << 8) | (bytes[i + 3] as number)
      : this.lastWord(i);
    return word << (this.at & 7);
  }

  /** Four bytes near the end: zeros beyond it. */
  private lastWord(i: number): number {
    let word = 0;
    for (let b = 0; b < 4; b++) word = (word << 8) | ((i + b) * 8 < this.end ? (this.bytes[i + b] as number) : 0);
    return word;
  }

  private skip(count: number): void {
    this.at += count;
    if (this.at > this.end) this.overrun = true;
  }

  /** 0..24 bits. */
  get(count: number): number {
    if (count === 0) return 0;
    const value = this.peek() >>> (32 - count);
    this.skip(count);
    return value;
  }

  rice(k: number): number {
    const word = this.peek();
    const quotient = Math.clz32(~word);
    if (quotient >= ESCAPE_QUOTIENT) {
      this.skip(ESCAPE_QUOTIENT);
      return this.get(ESCAPE_BITS);
    }
    const length = quotient + 1 + k;
    this.skip(length);
    return k === 0 ? quotient : (quotient << k) | ((word << (quotient + 1)) >>> (32 - k));
  }

  expGolomb(k: number): number {
    let zeros = 0;
    while (this.get(1) === 0) {
      if (++zeros > EXP_GOLOMB_ZEROS - k) {
        this.overrun = true;
        return 0;
      }
    }
    const extra = zeros + k;
    return ((1 << extra) | this.get(extra)) - (1 << k);
  }

  /** Offset of the first byte not yet touched: the end of a byte-aligned block once its last field is read. */
  finish(): number {
    return (this.at + 7) >>> 3;
  }
}
