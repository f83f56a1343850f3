/** A running 64-bit FNV-1a hash over everything a world decides: two runs of a seed must agree on it (PROMISES P3). */
export class TraceHash {
  private high = 0xcbf29ce4;
  private low = 0x84222325;
  private readonly scratch = new DataView(new ArrayBuffer(8));

  byte(value: number): void {
    const low = (this.low ^ value) >>> 0;
    // 64-bit multiply by 0x100000001b3 in 32-bit pieces.
    const product = Math.imul(low & 0xffff, 0x1b3) + ((((low >>> 16) * 0x1b3) & 0xffff) << 16);
    const carry = Math.floor((low * 0x1b3) / 4294967296);
    this.high = (Math.imul(this.high, 0x1b3) + (low << 8) + carry) >>> 0;
    this.low = product >>> 0;
  }

  bytes(values: Uint8Array): void {
    for (let i = 0; i < values.length; i++) this.byte(values[i] as number);
  }

  number(value: number): void {
    this.scratch.setFloat64(0, value);
    for (let i = 0; i < 8; i++) this.byte(this.scratch.getUint8(i));
  }

  text(value: string): void {
    for (let i = 0; i < value.length; i++) this.byte(value.charCodeAt(i) & 0xff);
  }

  hex(): string {
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }
}
