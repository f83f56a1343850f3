/**
 * Why a source matters beyond being near: its role, that it speaks, and that two people have to do with each other.
 *
 * [AT1] Fixed memory: one weight per source, PARTNERS recent partners per viewer, the oldest forgotten first.
 */
/** Factor of somebody who speaks, of a recent partner, and of whoever the viewer looks straight at. */
const SPEAKING = 2;
const PARTNER = 2;
export const GAZE = 1.5;
const PARTNERS = 4;
const NOBODY = 65_535;

export class Attention {
  /** Per source: what it weighs for everybody, as of the last `refresh`. */
  readonly weights: Float32Array;
  private readonly roles: Float32Array;
  private readonly speaksUntilTick: Float64Array;
  private readonly partners: Uint16Array;
  private readonly partnerUntilTick: Float64Array;
  /** The last of a viewer's partners is forgotten then. */
  private readonly partnersUntilTick: Float64Array;

  constructor(capacity: number) {
    this.weights = new Float32Array(capacity).fill(1);
    this.roles = new Float32Array(capacity).fill(1);
    this.speaksUntilTick = new Float64Array(capacity).fill(-1);
    this.partners = new Uint16Array(capacity * PARTNERS).fill(NOBODY);
    this.partnerUntilTick = new Float64Array(capacity * PARTNERS);
    this.partnersUntilTick = new Float64Array(capacity).fill(-1);
  }

  reset(slot: number): void {
    this.roles[slot] = 1;
    this.speaksUntilTick[slot] = -1;
    this.partners.fill(NOBODY, slot * PARTNERS, slot * PARTNERS + PARTNERS);
    this.partnersUntilTick[slot] = -1;
  }

  /** Somebody on a stage weighs more than 1, wherever they stand. */
  setRole(slot: number, weight: number): void {
    this.roles[slot] = weight;
  }
  speaks(slot: number, untilTick: number): void {
    this.speaksUntilTick[slot] = untilTick;
  }
  /** The viewer and the source have to do with each other until then: a handover, a private talk. */
  meets(viewer: number, source: number, untilTick: number): void {
    const base = viewer * PARTNERS;
    let oldest = base;
    for (let at = base; at < base + PARTNERS; at++) {
      if (this.partners[at] === source) oldest = at;
      if (this.partners[oldest] !== source && (this.partnerUntilTick[at] as number) < (this.partnerUntilTick[oldest] as number)) oldest = at;
    }
    this.partners[oldest] = source;
    this.partnerUntilTick[oldest] = untilTick;
    this.partnersUntilTick[viewer] = Math.max(this.partnersUntilTick[viewer] as number, untilTick);
  }

  /** Once a tick. */
  refresh(tick: number): void {
    const { weights, roles, speaksUntilTick } = this;
    for (let slot = 0; slot < weights.length; slot++)
      weights[slot] = (roles[slot] as number) * ((speaksUntilTick[slot] as number) > tick ? SPEAKING : 1);
  }

  hasPartners(viewer: number, tick: number): boolean {
    return (this.partnersUntilTick[viewer] as number) > tick;
  }
  /** Factor on top for this viewer. */
  between(viewer: number, source: number, tick: number): number {
    const base = viewer * PARTNERS;
    for (let at = base; at < base + PARTNERS; at++) {
      if (this.partners[at] === source && (this.partnerUntilTick[at] as number) > tick) return PARTNER;
    }
    return 1;
  }
}
