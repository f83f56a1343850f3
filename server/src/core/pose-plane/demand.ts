/**
 * How many samples a second of each source anybody has use for: a source whom nobody sees near is asked for the base layer only.
 *
 * [DE1] More is asked for at once, less only after CALM_MS in which nobody needed more: heads turn to and fro.
 * [DE2] The far stream's faster layer is always served: never below LEAST_HZ.
 * [DE3] Looked at once per review turn of a source; nothing is allocated.
 */
import { Fine, type ViewerLinks } from "./viewer-links.ts";
import { reviewTicks } from "./tiers.ts";

const LEAST_HZ = 10;
const CALM_MS = 2000;

export class Demand {
  /** What a source that somebody sees in full is asked for. */
  readonly mostHz: number;
  private readonly links: ViewerLinks;
  private readonly tickRateHz: number;
  private readonly turns: number;
  private readonly calmTicks: number;
  /** Per source: the rate that was asked for, 0 for nobody yet, and the tick at which as much was needed last. */
  private readonly asked: Uint8Array;
  private readonly neededTick: Float64Array;

  constructor(options: { readonly capacity: number; readonly tickRateHz: number; readonly mostHz: number; readonly links: ViewerLinks }) {
    const { capacity, tickRateHz, mostHz, links } = options;
    this.links = links;
    this.tickRateHz = tickRateHz;
    this.mostHz = mostHz;
    this.turns = reviewTicks(tickRateHz);
    this.calmTicks = (CALM_MS * tickRateHz) / 1000;
    this.asked = new Uint8Array(capacity);
    this.neededTick = new Float64Array(capacity);
  }

  /** A newcomer was told `mostHz` with the welcome. */
  add(slot: number, tick: number): void {
    this.asked[slot] = this.mostHz;
    this.neededTick[slot] = tick;
  }

  /** The new rate when the source's is to change at this tick, else 0. */
  change(slot: number, tick: number): number {
    if ((tick + slot) % this.turns !== 0) return 0;
    const needed = this.needed(slot);
    const asked = this.asked[slot] as number;
    if (needed >= asked) this.neededTick[slot] = tick;
    if (needed === asked || (needed < asked && tick - (this.neededTick[slot] as number) < this.calmTicks)) return 0;
    this.asked[slot] = needed;
    return needed;
  }

  /** What the source is asked for. */
  rate(slot: number): number {
    return this.asked[slot] as number;
  }

  private needed(slot: number): number {
    const { mostHz, tickRateHz } = this;
    const most = this.links.mostWatched(slot);
    const part = most === Fine.full ? 1 : most === Fine.t1 ? 2 : 4;
    return Math.min(mostHz, Math.max(LEAST_HZ, Math.ceil(tickRateHz / part)));
  }
}
