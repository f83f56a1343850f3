/**
 * Who is near whom on the floor, in square cells: placed anew from time to time, asked many times.
 *
 * [NG1] Whoever is within one cell's width of a slot is in the nine cells around it.
 * [NG2] Nothing is allocated by placing and asking; work is proportional to people and their neighbours.
 */
const BUCKETS = 1024;
const NOBODY_MORE = -1;

export class NeighbourGrid {
  private readonly cellM: number;
  private readonly heads = new Int16Array(BUCKETS);
  private readonly next: Int16Array;
  private readonly cellX: Int32Array;
  private readonly cellZ: Int32Array;

  constructor(capacity: number, cellM: number) {
    this.cellM = cellM;
    this.next = new Int16Array(capacity);
    this.cellX = new Int32Array(capacity);
    this.cellZ = new Int32Array(capacity);
    this.clear();
  }

  clear(): void {
    this.heads.fill(NOBODY_MORE);
  }

  /** Once per slot between two `clear`s. Metres, room frame. */
  place(slot: number, x: number, z: number): void {
    const cx = Math.floor(x / this.cellM);
    const cz = Math.floor(z / this.cellM);
    const bucket = bucketOf(cx, cz);
    this.cellX[slot] = cx;
    this.cellZ[slot] = cz;
    this.next[slot] = this.heads[bucket] as number;
    this.heads[bucket] = slot;
  }

  /** Writes everybody above `slot` in the nine cells around it to `out`, each once, and returns how many. `slot` was placed. */
  above(slot: number, out: Int16Array): number {
    const cx = this.cellX[slot] as number;
    const cz = this.cellZ[slot] as number;
    let count = 0;
    for (let x = cx - 1; x <= cx + 1; x++)
      for (let z = cz - 1; z <= cz + 1; z++)
        for (let other = this.heads[bucketOf(x, z)] as number; other !== NOBODY_MORE; other = this.next[other] as number) {
          // Two cells may share a bucket.
          if (other > slot && this.cellX[other] === x && this.cellZ[other] === z) out[count++] = other;
        }
    return count;
  }
}

const bucketOf = (cx: number, cz: number): number => (Math.imul(cx, 73_856_093) ^ Math.imul(cz, 19_349_663)) & (BUCKETS - 1);
