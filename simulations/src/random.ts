/**
 * Seeded dice. One seed derives every stream by name, so that adding a consumer does not shift anybody else's luck.
 * sfc32 (Chris Doty-Humphrey, PractRand); integer arithmetic only, the same sequence in every engine.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private count = 1;
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.a = 0x9e3779b9;
    this.b = this.seed;
    this.c = (this.seed ^ 0x243f6a88) >>> 0;
    for (let i = 0; i < 12; i++) this.u32();
  }

  /** An independent stream named `label` of the same seed. */
  fork(label: string): Random {
    let hash = 0x811c9dc5 ^ this.seed;
    for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
    return new Random(hash);
  }

  u32(): number {
    const out = (this.a + this.b + this.count) | 0;
    this.count = (this.count + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  /** [0, 1) */
  next(): number {
    return this.u32() / 4294967296;
  }

  /** [from, to) */
  between(from: number, to: number): number {
    return from + (to - from) * this.next();
  }

  /** Integer in [0, below). */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)] as T;
  }
}
