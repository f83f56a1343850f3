/**
 * Steps by what they are worth, and which of them a budget takes: a histogram of worths, eight buckets an octave from 2^-20 to 2^12, in
 * which the costs of all steps are added up, and how many sources would be near.
 *
 * [WT1] Steps are taken in order of worth, all of one bucket or none: O(buckets) whatever the number of steps.
 * [WT2] A key is the float's exponent and three bits of its mantissa, so the same worth has the same key in every engine. No logarithm.
 */
const KEYS = 256;
const KEY_SHIFT = 20;
const KEY_OFFSET = 856;

export class WorthTable {
  /** The lowest key that is taken: of all steps, and of those that make near. */
  threshold = 0;
  nearThreshold = 0;
  /** Some steps were not taken for want of budget. */
  pressed = false;
  private readonly costs = new Float64Array(KEYS);
  private readonly nears = new Uint16Array(KEYS);
  private readonly asFloat = new Float32Array(1);
  private readonly asInt = new Int32Array(this.asFloat.buffer);
  /** The least worth of each key: 0 for the lowest, which takes everything, and nothing reaches the one after the last. */
  private readonly worths = new Float32Array(KEYS + 1);

  constructor() {
    for (let key = 1; key < KEYS; key++) {
      this.asInt[0] = (key + KEY_OFFSET) << KEY_SHIFT;
      this.worths[key] = this.asFloat[0] as number;
    }
    this.worths[KEYS] = Number.POSITIVE_INFINITY;
  }

  clear(): void {
    this.costs.fill(0);
    this.nears.fill(0);
  }

  addStep(worth: number, cost: number): void {
    const key = this.keyOf(worth);
    this.costs[key] = (this.costs[key] as number) + cost;
  }

  /** A source whose first step of nearness is worth this much. */
  addNear(worth: number): void {
    const key = this.keyOf(worth);
    this.nears[key] = (this.nears[key] as number) + 1;
  }

  /** Finds the lowest key at which no more than `most` sources are near. */
  findNear(most: number): void {
    this.nearThreshold = 0;
    let near = 0;
    for (let key = KEYS - 1; key >= 0; key--) {
      near += this.nears[key] as number;
      if (near <= most) continue;
      this.nearThreshold = key + 1;
      return;
    }
  }

  /** Finds the lowest key whose steps, and all above, cost no more than `budget`. */
  findThreshold(budget: number): void {
    this.threshold = 0;
    this.pressed = false;
    let spent = 0;
    for (let key = KEYS - 1; key >= 0; key--) {
      spent += this.costs[key] as number;
      if (spent <= budget) continue;
      this.pressed = true;
      this.threshold = key + 1;
      return;
    }
  }

  /** The least worth that is taken at all; that makes near by rank alone; and that is near and paid for. */
  get least(): number {
    return this.worths[this.threshold] as number;
  }
  get leastOfRank(): number {
    return this.worths[this.nearThreshold] as number;
  }
  get leastNear(): number {
    return this.worths[Math.max(this.threshold, this.nearThreshold)] as number;
  }

  private keyOf(worth: number): number {
    this.asFloat[0] = worth;
    const key = ((this.asInt[0] as number) >> KEY_SHIFT) - KEY_OFFSET;
    return key < 0 ? 0 : key >= KEYS ? KEYS - 1 : key;
  }
}
