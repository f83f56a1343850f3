/**
 * Byte writer and reader for messages (the bit-level pose blocks have their own in `pose/`).
 *
 * [BY1] The reader never throws and never reads outside its view: the first violation sets `fault`, every read after it
 *       returns a zero value, and the caller checks `fault` once at the end.
 * [BY2] Little endian. Variable-length integers are LEB128, at most five bytes, canonical or not.
 * [BY3] The writer grows by doubling up to `limit`; writing past it is a bug of ours and asserts.
 */
import { decodeUtf8, encodeUtf8 } from "lib0/string";
import { assert } from "./result.ts";

export type DecodeFault = "truncated" | "too-long" | "bad-utf8" | "bad-value" | "trailing-bytes" | "unknown-message" | "wrong-direction";

export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  private view: DataView;
  private readonly limit: number;

  constructor(capacity = 64, limit = 1 << 20) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.limit = limit;
  }

  reset(): void {
    this.length = 0;
  }

  /** A copy of what was written; the writer may be reused. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** Offset of `count` fresh bytes. Call it before touching `this.view`: growing replaces the view. */
  private reserve(count: number): number {
    const at = this.length;
    const end = at + count;
    assert(end <= this.limit, `message longer than ${this.limit} bytes`);
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.min(this.limit, Math.max(end, this.bytes.length * 2)));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    this.length = end;
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.view.setUint8(at, value);
  }
  u16(value: number): void {
    const at = this.reserve(2);
    this.view.setUint16(at, value, true);
  }
  u32(value: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, value, true);
  }
  i16(value: number): void {
    const at = this.reserve(2);
    this.view.setInt16(at, value, true);
  }
  i32(value: number): void {
    const at = this.reserve(4);
    this.view.setInt32(at, value, true);
  }
  f32(value: number): void {
    const at = this.reserve(4);
    this.view.setFloat32(at, value, true);
  }
  f64(value: number): void {
    const at = this.reserve(8);
    this.view.setFloat64(at, value, true);
  }
  /** `value` in 0..2^32-1. */
  varUint(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }
  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }
  text(value: string): void {
    const encoded = encodeUtf8(value);
    this.varUint(encoded.length);
    this.raw(encoded);
  }
}

export class ByteReader {
  fault: DecodeFault | undefined;
  offset = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Made when a float asks for it: few messages have one, and it costs more than reading the rest of a short message. */
  private get view(): DataView {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  fail(fault: DecodeFault): void {
    this.fault ??= fault;
    this.offset = this.bytes.length;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  private take(count: number): number {
    if (this.fault !== undefined || this.remaining < count) {
      this.fail("truncated");
      return -1;
    }
    const at = this.offset;
    this.offset += count;
    return at;
  }

  u8(): number {
    const at = this.take(1);
    return at < 0 ? 0 : (this.bytes[at] as number);
  }
  u16(): number {
    const at = this.take(2);
    return at < 0 ? 0 : this.low(at);
  }
  u32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : (this.low(at) | (this.low(at + 2) << 16)) >>> 0;
  }
  i16(): number {
    const at = this.take(2);
    return at < 0 ? 0 : (this.low(at) << 16) >> 16;
  }
  i32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : this.low(at) | (this.low(at + 2) << 16);
  }
  /** Non-finite values are refused here, so no message can carry one. */
  f32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : this.finite(this.view.getFloat32(at, true));
  }
  f64(): number {
    const at = this.take(8);
    return at < 0 ? 0 : this.finite(this.view.getFloat64(at, true));
  }
  private low(at: number): number {
    return (this.bytes[at] as number) | ((this.bytes[at + 1] as number) << 8);
  }
  private finite(value: number): number {
    if (Number.isFinite(value)) return value;
    this.fail("bad-value");
    return 0;
  }
  varUint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    this.fail(this.fault ?? "bad-value");
    return 0;
  }
  /** A view into the message, valid as long as the message's buffer is. */
  raw(count: number): Uint8Array {
    const at = this.take(count);
    return at < 0 ? new Uint8Array(0) : this.bytes.subarray(at, at + count);
  }
  text(maxBytes: number): string {
    const length = this.varUint();
    if (length > maxBytes) {
      this.fail("too-long");
      return "";
    }
    const bytes = this.raw(length);
    if (this.fault !== undefined) return "";
    try {
      return decodeUtf8(bytes);
    } catch {
      this.fail("bad-utf8");
      return "";
    }
  }
}
