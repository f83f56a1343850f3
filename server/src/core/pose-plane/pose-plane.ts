/**
 * The pose plane of one room: who is sent whose blocks, and the frame of each viewer and tick.
 *
 * [PP1] A source is encoded at most once per tick and stream, whatever the number of viewers; frames copy (frame-assembler.ts).
 * [PP2] A viewer is never sent itself, nor a source that has sent nothing, nor one that is hidden from it.
 * [PP3] A frame is sent at least every HEARTBEAT_MS, so the viewer's clock and acknowledgement move on when nobody does.
 * [PP4] In steady state nothing is allocated per tick; `writeFrame` makes the view that its caller asks for.
 */
import { farPeriodTicks, type FrameHead, GROUP, POSE_FLOATS, type PoseSample } from "@copresence/shared/pose";
import { Arena } from "./arena.ts";
import { Attention } from "./attention.ts";
import { Budgets, WIRE_BYTES } from "./budgets.ts";
import { CELL_MEMBERS, CellGrid } from "./cell-grid.ts";
import { Demand } from "./demand.ts";
import { type Explanation, explain } from "./explain.ts";
import { FarDesk, farBytes } from "./far-desk.ts";
import { FRAME_ROOM, FrameAssembler } from "./frame-assembler.ts";
import { PoseHistory } from "./history.ts";
import { Interest } from "./interest.ts";
import { deskBytes, HEAD_FLOATS, SourceDesk } from "./source-desk.ts";
import { StreamPlane } from "./stream-plane.ts";
import { ViewerLinks } from "./viewer-links.ts";

/** Longest silence towards a viewer whose room stands still. */
const HEARTBEAT_MS = 250;
/** Rooms up to here judge interest at once when somebody appears or is shown again; in larger ones that waits for the turns. */
const PROMPT_PEOPLE = 128;
/** How long a word draws eyes, and a handover ties two people together. */
const SPEAKING_MS = 4000;
const MEETING_MS = 10_000;
/** Memory for one step's frames, bytes per person: two ticks of the largest budget at 60 Hz. Untouched pages cost nothing. */
const FRAME_BYTES = 4096;
/** Ticks whose echo still says something: ten seconds and more. */
const RAN_TICKS = 1024;
const RAN_MASK = RAN_TICKS - 1;

export class PosePlane {
  /** Joints, buttons, gaze. */
  readonly streams: StreamPlane;
  private readonly tickRateHz: number;
  private readonly desk: SourceDesk;
  private readonly history: PoseHistory;
  private readonly grid: CellGrid;
  private readonly far: FarDesk;
  private readonly links: ViewerLinks;
  private readonly budgets: Budgets;
  private readonly attention: Attention;
  private readonly interest: Interest;
  private readonly assembler: FrameAssembler;
  private readonly demand: Demand;
  private readonly heartbeatTicks: number;
  /** Arena offsets: where this step's frames begin, and the next one. */
  private readonly framesAt: number;
  private frameAt: number;
  private frameFrom = 0;
  /** When the last ticks ran: a late room is no full link. */
  private readonly ranMs = new Float64Array(RAN_TICKS);

  /** `uplinkHz`: samples a second that sources are asked for at most, the tick rate unless given. */
  constructor(options: { readonly capacity: number; readonly tickRateHz: number; readonly uplinkHz?: number }) {
    const { tickRateHz, uplinkHz = tickRateHz } = options;
    const capacity = Math.ceil(options.capacity / GROUP) * GROUP;
    const farAt = deskBytes(capacity);
    this.framesAt = farAt + farBytes(capacity);
    const memory = new Arena(this.framesAt + capacity * FRAME_BYTES + FRAME_ROOM);
    this.frameAt = this.framesAt;
    this.tickRateHz = tickRateHz;
    this.desk = new SourceDesk({ capacity, tickRateHz, memory });
    this.history = new PoseHistory(capacity);
    this.grid = new CellGrid({ capacity, periodTicks: farPeriodTicks(tickRateHz) });
    this.far = new FarDesk({ desk: this.desk, grid: this.grid, tickRateHz, base: farAt });
    this.links = new ViewerLinks(this.grid);
    this.budgets = new Budgets({ capacity, tickRateHz });
    this.attention = new Attention(capacity);
    this.interest = new Interest(this.parts());
    this.streams = new StreamPlane(this.parts());
    this.assembler = new FrameAssembler({ ...this.parts(), interest: this.interest, streams: this.streams });
    this.demand = new Demand({ capacity, tickRateHz, mostHz: uplinkHz, links: this.links });
    this.heartbeatTicks = Math.max(1, Math.floor((HEARTBEAT_MS * tickRateHz) / 1000));
  }

  private parts() {
    const { tickRateHz, desk, grid, far, links, budgets, attention } = this;
    return { tickRateHz, desk, grid, far, links, budgets, attention };
  }

  /** Somebody takes a slot: a source without samples yet, and a viewer of everybody else. */
  add(slot: number): void {
    this.remove(slot);
    this.desk.add(slot);
    this.history.add(slot);
    this.links.add(slot);
    this.budgets.add(slot);
    this.interest.add(slot);
    this.demand.add(slot, this.desk.tick);
  }

  remove(slot: number): void {
    this.desk.remove(slot);
    this.far.reset(slot);
    this.links.lacks.leaves(slot);
    this.grid.remove(slot);
    this.history.clear(slot);
    this.links.remove(slot);
    this.attention.reset(slot);
    this.interest.remove(slot);
    this.streams.remove(slot);
  }

  /** A judged sample in the room's frame. Not newer than the last one: ignored. Copied. */
  submit(slot: number, sample: PoseSample): void {
    if (!this.desk.submit(slot, sample)) return;
    this.far.submitted(slot);
    this.history.push(slot, sample);
  }

  /**
   * Encodes what was submitted since the last tick, and reviews interests. Once per tick, before the frames; `nowMs`: room time, which
   * may be later than the tick's.
   */
  encodeTick(tick: number, nowMs: number = (tick * 1000) / this.tickRateHz): void {
    const { desk } = this;
    this.ranMs[tick & RAN_MASK] = nowMs;
    this.moveStrays(tick);
    desk.encodeTick(tick);
    for (let i = 0; i < desk.restartedCount; i++) this.restarted(desk.restarted[i] as number);
    if (this.grid.redivide()) this.placeAll();
    this.far.encodeTick(tick, this.interest.farViewers > 0);
    this.interest.reviewDue(tick);
    this.streams.encodeTick(tick);
  }

  /** The frames of the step before are no longer read; their memory is used again. */
  startStep(): void {
    this.frameAt = this.framesAt;
  }

  /**
   * The viewer's frame of the encoded tick, whole message `[17][33][body]`, a view into the plane's memory valid until `startStep`;
   * undefined when there is nothing to say.
   */
  writeFrame(viewer: number, head: FrameHead): Uint8Array | undefined {
    const length = this.assembleFrame(viewer, head);
    if (length === 0) return undefined;
    const { arena } = this.desk;
    const frame = arena.subarray(this.frameFrom, this.frameFrom + length);
    // A step whose frames outgrow the memory for them (two ticks of nothing but intra blocks) gets the rest in arrays of their own.
    return this.frameFrom === this.frameAt ? frame.slice() : frame;
  }

  /** The same without a view: bytes of the frame, which begins at arena offset `frameFrom`; 0 for none [PP4]. */
  assembleFrame(viewer: number, head: FrameHead): number {
    const { assembler, budgets, desk, links, frameAt } = this;
    budgets.refill(viewer);
    links.beginFrame(viewer, desk.tick);
    const says = assembler.write(viewer, head, frameAt);
    const idle = !says && head.rig === undefined && !links.ackMoved(viewer, head.inputAck);
    if (idle && desk.tick - links.lastSentTick(viewer) < this.heartbeatTicks) return 0;
    links.sent(viewer, desk.tick, head.inputAck);
    budgets.spend(viewer, assembler.at - frameAt + WIRE_BYTES);
    this.frameFrom = frameAt;
    if (assembler.at + FRAME_ROOM <= desk.arena.length) this.frameAt = assembler.at;
    return assembler.at - frameAt;
  }

  /** The viewer says it lacks these sources' references. */
  needIntra(viewer: number, slots: readonly number[]): void {
    for (const slot of slots) {
      if (!(slot >= 0 && slot < this.desk.capacity)) continue;
      this.links.breakChain(viewer, slot);
      this.streams.needIntra(viewer, slot);
    }
  }

  /** The last frame written for this viewer (or the one before) never left: what it carried is missing there. */
  frameSkipped(viewer: number): void {
    const { desk, far, links } = this;
    links.frameSkipped(viewer, { t0: desk.t0Tick, t1: desk.t1Tick, c0: far.writer.bank.tick });
    this.budgets.cut(viewer, this.nowMs);
    this.streams.frameSkipped(viewer);
  }

  /** More than one frame waits in the viewer's socket. */
  frameQueued(viewer: number): void {
    this.budgets.cut(viewer, this.nowMs);
  }

  /** An uplink message of the viewer arrived at `receivedMs` that names the newest frame it had, `ageMs` after getting it. */
  echo(viewer: number, tick: number, ageMs: number, receivedMs: number): void {
    if (tick <= 0 || tick > this.desk.tick || tick <= this.desk.tick - RAN_TICKS) return;
    this.budgets.echo(viewer, receivedMs - ageMs - (this.ranMs[tick & RAN_MASK] as number), receivedMs);
  }

  /**
   * `source` is not sent to `viewer` at all while hidden: muted, blocked, or in somebody's personal space. Shown again it comes with the
   * far stream at once, and near when the viewer's turn comes: where people stand close, spaces are entered and left all the time.
   */
  hide(viewer: number, source: number, hidden: boolean): void {
    if (viewer === source || this.links.isHidden(viewer, source) === hidden) return;
    this.links.hide(viewer, source, hidden);
    if (this.desk.shownCount <= PROMPT_PEOPLE) this.interest.reviewSoon(viewer);
  }
  hidden(viewer: number, source: number): boolean {
    return this.links.isHidden(viewer, source);
  }

  /** Where a source's head is now, room frame, m, into out[0..3); false before its first sample. */
  head(slot: number, out: Float64Array): boolean {
    const { desk } = this;
    if ((this.grid.cellOf[slot] as number) < 0) return false;
    for (let axis = 0; axis < 3; axis++) out[axis] = desk.heads[slot * HEAD_FLOATS + axis] as number;
    return true;
  }

  /** A source's newest pose, 21 floats in the room frame; false before its first sample. */
  newest(slot: number, out: Float64Array): boolean {
    if ((this.grid.cellOf[slot] as number) < 0) return false;
    for (let i = 0; i < POSE_FLOATS; i++) out[i] = this.desk.poses[slot * POSE_FLOATS + i] as number;
    return true;
  }

  /** How much a source matters to everybody; 1 for most, more for who stands on a stage. */
  setRole(slot: number, weight: number): void {
    this.attention.setRole(slot, weight);
  }
  /** The source said something. */
  speaks(slot: number): void {
    this.attention.speaks(slot, this.after(SPEAKING_MS));
  }
  /** These two had to do with each other: handed something over, talk in private. */
  meet(a: number, b: number): void {
    this.attention.meets(a, b, this.after(MEETING_MS));
    this.attention.meets(b, a, this.after(MEETING_MS));
  }

  /** What a source is asked for while somebody sees it in full, and at first. */
  get uplinkHz(): number {
    return this.demand.mostHz;
  }
  /** Samples a second that the source is to send from this tick on; 0 when that does not change [DE1]. */
  uplinkChange(slot: number): number {
    return this.demand.change(slot, this.desk.tick);
  }

  /** Pose of a source at room time `timeMs` within the last 500 ms, for judging in rewound time. */
  poseAt(slot: number, timeMs: number, out: Float64Array): boolean {
    return slot >= 0 && slot < this.desk.capacity && this.history.at(slot, timeMs, out);
  }

  /** Which tier `viewer` gets `source` in, with which score, and why. */
  explain(viewer: number, source: number): Explanation {
    return explain({ ...this.parts(), interest: this.interest, demand: this.demand }, viewer, source);
  }

  /** What the viewer's client wants its view to cost at most (bytes per second, 0: as its link carries), and how many people in full. */
  wish(viewer: number, bytesPerS: number, fullPeople: number): void {
    this.budgets.wish(viewer, bytesPerS, fullPeople);
    this.interest.reviewSoon(viewer);
  }

  /** What the viewer's link is believed to carry, bytes per second. */
  budget(viewer: number): number {
    return this.budgets.rates[viewer] as number;
  }

  private get nowMs(): number {
    return (this.desk.tick * 1000) / this.tickRateHz;
  }
  private after(ms: number): number {
    return this.desk.tick + (ms * this.tickRateHz) / 1000;
  }

  private restarted(source: number): void {
    const { desk, links, interest } = this;
    links.sourceRestarted(source);
    if ((this.grid.cellOf[source] as number) < 0) this.place(source);
    if (desk.shownCount > PROMPT_PEOPLE) return;
    for (let viewer = 0; viewer < desk.capacity; viewer++) interest.reviewSoon(viewer);
  }

  /**
   * Looks after the cells that were due at the last tick for members who walked out of them. Then, because the next due tick of the
   * new cell is at most a period after the last of the old one, and the mover's updates are never further apart than that.
   */
  private moveStrays(tick: number): void {
    const { desk, far, grid } = this;
    const phase = (tick + far.periodTicks - 1) % far.periodTicks;
    if (!grid.divided) return;
    for (let i = 0; i < grid.activeCount; i++) {
      const cell = grid.active[i] as number;
      if (grid.phases[cell] !== phase) continue;
      for (let m = grid.counts[cell] as number; m-- > 0;) {
        const slot = grid.members[cell * CELL_MEMBERS + m] as number;
        const at = slot * POSE_FLOATS;
        if (grid.strays(slot, desk.poses[at] as number, desk.poses[at + 2] as number)) this.place(slot);
      }
    }
  }

  private placeAll(): void {
    for (let slot = 0; slot < this.desk.capacity; slot++) if ((this.grid.cellOf[slot] as number) >= 0) this.place(slot);
  }

  private place(slot: number): void {
    const { desk, grid, interest, links } = this;
    const from = grid.cellOf[slot] as number;
    const at = slot * POSE_FLOATS;
    links.lacks.leaves(slot);
    const to = grid.place(slot, desk.poses[at] as number, desk.poses[at + 2] as number);
    links.lacks.came(slot);
    interest.moved(slot, from, to, grid.opened);
  }
}
