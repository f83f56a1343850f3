/**
 * The optional streams of one room: who offers, who takes, who is asked, and what of it goes into a viewer's frame.
 *
 * [SP1] Nothing goes to a viewer that did not say it takes it, and nothing is asked of a source that did not offer it.
 * [SP2] A source is asked for a stream while somebody has it near who takes it, and LINGER reviews longer.
 * [SP3] In a room where nobody ever offered anything this costs a comparison per viewer and tick.
 * [SP4] Whoever takes an offer of buttons or gaze back is shown without them at once.
 */
import {
  ALL_STREAMS,
  type Controls,
  decodeGaze,
  GAZE_BYTES,
  type GazeCode,
  type HandsState,
  MAX_CONTROLS_BYTES,
  newControls,
  newGazeCode,
  POSE_FLOATS,
  Stream,
  StreamSection,
  writeControls,
  writeGaze,
} from "@copresence/shared/pose";
import type { Attention } from "./attention.ts";
import { BUCKET_S, type Budgets } from "./budgets.ts";
import { HandDesk } from "./hand-desk.ts";
import { HEAD_FLOATS, type SourceDesk } from "./source-desk.ts";
import { StateStream } from "./state-stream.ts";
import { reviewTicks } from "./tiers.ts";
import type { ViewerLinks } from "./viewer-links.ts";

/** Two seconds of reviews without anybody watching. */
const LINGER = 8;
const STREAMS = 3;
/** Looked at: within 8 degrees of the gaze, and this long after. */
const LOOKED_COS = 0.99;
const LOOKED_S = 1;
const NO_CONTROLS = newControls();
const NO_GAZE = newGazeCode();

export type StreamPlaneParts = {
  readonly desk: SourceDesk;
  readonly links: ViewerLinks;
  readonly budgets: Budgets;
  readonly attention: Attention;
  readonly tickRateHz: number;
};

export class StreamPlane {
  readonly hands: HandDesk;
  readonly controls: StateStream;
  readonly gaze: StateStream;
  /** Slots whose demand changed since `demandsTold`, and what each source is asked for now: bits of `Stream`. */
  readonly changed: Uint16Array;
  changedCount = 0;
  readonly demands: Uint8Array;
  private readonly parts: StreamPlaneParts;
  private readonly offers: Uint8Array;
  private readonly takes: Uint8Array;
  private used = false;
  private readonly unwatched: Uint8Array;
  private readonly reviewTicks: number;
  private readonly toTell: Uint8Array;
  /** Float64Array[3n]: newest gaze in the head's frame; zero for none. */
  private readonly gazes: Float64Array;
  private readonly look = new Float64Array(3);

  constructor(parts: StreamPlaneParts) {
    const { desk, links, budgets, tickRateHz } = parts;
    const { capacity } = desk;
    this.parts = parts;
    this.hands = new HandDesk({ desk, links, budgets, tickRateHz });
    this.controls = new StateStream({ desk, links, tickRateHz, section: StreamSection.controls, blockBytes: MAX_CONTROLS_BYTES });
    this.gaze = new StateStream({ desk, links, tickRateHz, section: StreamSection.gaze, blockBytes: GAZE_BYTES });
    this.changed = new Uint16Array(capacity);
    this.demands = new Uint8Array(capacity);
    this.toTell = new Uint8Array(capacity);
    this.offers = new Uint8Array(capacity);
    this.takes = new Uint8Array(capacity);
    this.unwatched = new Uint8Array(capacity * STREAMS);
    this.gazes = new Float64Array(capacity * 3);
    this.reviewTicks = reviewTicks(tickRateHz);
  }

  /** Forgets what the slot showed and was shown; what its client offers and takes stays until `leave`. */
  remove(slot: number): void {
    this.hands.remove(slot);
    this.controls.remove(slot);
    this.gaze.remove(slot);
    this.gazes.fill(0, slot * 3, slot * 3 + 3);
    this.setDemand(slot, 0);
  }

  /** The slot's client is gone. */
  leave(slot: number): void {
    this.wish(slot, 0, 0);
    this.remove(slot);
  }

  /** What the slot's client offers and takes: bits of `Stream`. */
  wish(slot: number, offers: number, takes: number): void {
    const offered = offers & ALL_STREAMS;
    const withdrawn = (this.offers[slot] as number) & ~offered;
    if ((withdrawn & Stream.controls) !== 0) this.submitControls(slot, NO_CONTROLS);
    if ((withdrawn & Stream.gaze) !== 0) this.submitGaze(slot, NO_GAZE);
    this.used ||= offered !== 0;
    this.offers[slot] = offered;
    this.takes[slot] = takes & ALL_STREAMS;
    this.setDemand(slot, (this.demands[slot] as number) & offered);
    if ((takes & Stream.hands) === 0) this.hands.forget(slot);
  }

  submitHands(slot: number, state: HandsState, timeMs: number): void {
    if (this.asked(slot, Stream.hands)) this.hands.submit(slot, state, timeMs);
  }
  submitControls(slot: number, controls: Controls): void {
    const { buffer } = this.controls;
    const at = this.controls.blockAt(slot);
    if (this.asked(slot, Stream.controls)) this.controls.submitted(slot, writeControls(controls, buffer, at) - at);
  }
  submitGaze(slot: number, gaze: GazeCode): void {
    if (!this.asked(slot, Stream.gaze)) return;
    const { buffer } = this.gaze;
    const at = this.gaze.blockAt(slot);
    this.gaze.submitted(slot, writeGaze(gaze, buffer, at) - at);
    this.gazes.fill(0, slot * 3, slot * 3 + 3);
    if (gaze.present !== 1) return;
    decodeGaze(gaze, this.look);
    this.gazes.set(this.look, slot * 3);
  }

  /** Once a tick, after the sources' own blocks. */
  encodeTick(tick: number): void {
    if (!this.used) return;
    this.hands.encodeTick();
    this.controls.encodeTick(tick);
    this.gaze.encodeTick(tick);
    const { desk } = this.parts;
    for (let slot = tick % this.reviewTicks; slot < desk.capacity; slot += this.reviewTicks) {
      if (desk.present[slot] !== 1) continue;
      if (((this.takes[slot] as number) & Stream.hands) !== 0) this.hands.review(slot, this.offers, Stream.hands);
      if (this.offers[slot] !== 0) this.reviewDemand(slot);
      if (this.gazes[slot * 3 + 2] !== 0) this.follow(slot, tick);
    }
  }

  /** Appends the viewer's optional streams to its frame at arena offset `at`; the offset after them. `frameAt`: where the frame begins. */
  write(viewer: number, frameAt: number, at: number, limit: number): number {
    const takes = this.takes[viewer] as number;
    if (!this.used || takes === 0) return at;
    const { budgets } = this.parts;
    const depth = (budgets.rates[viewer] as number) * BUCKET_S;
    const left = (budgets.tokens[viewer] as number) + frameAt;
    let end = at;
    if ((takes & Stream.controls) !== 0) end = this.controls.write(viewer, end, limit, left - end, depth);
    if ((takes & Stream.gaze) !== 0) end = this.gaze.write(viewer, end, limit, left - end, depth);
    if ((takes & Stream.hands) !== 0) end = this.hands.write(viewer, end, limit, left - end, depth);
    return end;
  }

  needIntra(viewer: number, source: number): void {
    this.hands.breakChain(viewer, source);
  }
  frameSkipped(viewer: number): void {
    this.hands.breakChains(viewer);
    this.controls.oweAll(viewer);
    this.gaze.oweAll(viewer);
  }

  demandsTold(): void {
    for (let i = 0; i < this.changedCount; i++) this.toTell[this.changed[i] as number] = 0;
    this.changedCount = 0;
  }

  private asked(slot: number, stream: number): boolean {
    return ((this.demands[slot] as number) & stream) !== 0 && this.parts.desk.present[slot] === 1;
  }

  private reviewDemand(slot: number): void {
    let demand = 0;
    for (let i = 0; i < STREAMS; i++) {
      const stream = 1 << i;
      if (((this.offers[slot] as number) & stream) === 0) continue;
      const at = slot * STREAMS + i;
      if (this.watched(slot, stream)) this.unwatched[at] = 0;
      else if ((this.unwatched[at] as number) < LINGER) this.unwatched[at] = (this.unwatched[at] as number) + 1;
      const lingers = ((this.demands[slot] as number) & stream) !== 0 && (this.unwatched[at] as number) < LINGER;
      if (this.unwatched[at] === 0 || lingers) demand |= stream;
    }
    this.setDemand(slot, demand);
  }

  private watched(slot: number, stream: number): boolean {
    const { desk, links } = this.parts;
    if (stream === Stream.hands) return (this.hands.watchers[slot] as number) > 0;
    for (let viewer = 0; viewer < desk.capacity; viewer++)
      if (((this.takes[viewer] as number) & stream) !== 0 && links.isNear(viewer, slot)) return true;
    return false;
  }

  private setDemand(slot: number, demand: number): void {
    if (this.demands[slot] === demand) return;
    this.demands[slot] = demand;
    if (this.toTell[slot] === 1) return;
    this.toTell[slot] = 1;
    this.changed[this.changedCount++] = slot;
  }

  /** Whoever the slot's eyes rest on draws its attention. */
  private follow(slot: number, tick: number): void {
    const { desk, links, attention, tickRateHz } = this.parts;
    const p = slot * POSE_FLOATS;
    turn(desk.poses, p + 3, this.gazes, slot * 3, this.look);
    const { bits, words } = links.near;
    let best = LOOKED_COS;
    let target = -1;
    for (let w = 0; w < words; w++) {
      for (let set = bits[slot * words + w] as number; set !== 0; set &= set - 1) {
        const source = (w << 5) + 31 - Math.clz32(set & -set);
        const h = source * HEAD_FLOATS;
        const dx = (desk.heads[h] as number) - (desk.poses[p] as number);
        const dy = (desk.heads[h + 1] as number) - (desk.poses[p + 1] as number);
        const dz = (desk.heads[h + 2] as number) - (desk.poses[p + 2] as number);
        const along = dx * (this.look[0] as number) + dy * (this.look[1] as number) + dz * (this.look[2] as number);
        const cos = along / Math.sqrt(dx * dx + dy * dy + dz * dz);
        if (!(cos > best)) continue;
        best = cos;
        target = source;
      }
    }
    if (target >= 0) attention.meets(slot, target, tick + LOOKED_S * tickRateHz);
  }
}

/** out = the vector v[vt..] turned by the quaternion q[qt..]. */
function turn(q: Float64Array, qt: number, v: Float64Array, vt: number, out: Float64Array): void {
  const qx = q[qt] as number;
  const qy = q[qt + 1] as number;
  const qz = q[qt + 2] as number;
  const qw = q[qt + 3] as number;
  const x = v[vt] as number;
  const y = v[vt + 1] as number;
  const z = v[vt + 2] as number;
  const tx = 2 * (qy * z - qz * y);
  const ty = 2 * (qz * x - qx * z);
  const tz = 2 * (qx * y - qy * x);
  out[0] = x + qw * tx + qy * tz - qz * ty;
  out[1] = y + qw * ty + qz * tx - qx * tz;
  out[2] = z + qw * tz + qx * ty - qy * tx;
}
