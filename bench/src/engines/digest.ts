/** A digest of bytes and of doubles by their bits: two 32-bit lanes, integer arithmetic only. Not for keeping secrets. */
export class Digest {
  private a = 0x811c9dc5;
  private b = 0x9e3779b9;
  private readonly double = new Float64Array(1);
  private readonly words = new Uint32Array(this.double.buffer);

  addBytes(bytes: Uint8Array, count: number): void {
    for (let i = 0; i < count; i++) this.add(bytes[i] as number);
  }

  /** All NaN count as one: which of them an operation yields is an engine's own business. */
  addNumber(value: number): void {
    this.double[0] = value === value ? value : 0.1;
    this.add(this.words[0] as number);
    this.add(this.words[1] as number);
  }
  addNumbers(values: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) this.addNumber(values[i] as number);
  }

  get text(): string {
    return [this.a, this.b].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
  }

  private add(word: number): void {
    this.a = Math.imul(this.a ^ word, 0x01000193);
    this.b = Math.imul((this.b << 5) | (this.b >>> 27), 0x2c1b3c6d) ^ word;
  }
}
