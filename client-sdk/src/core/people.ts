/**
 * Everybody else: the roster as the room tells it, and one playout per person.
 *
 * [PE1] A person is one object from `joined` to `left`, across reconnects too: the same user in the same place keeps it.
 * [PE2] After a new link everybody is in doubt; who the new room does not name within DOUBT_MS has left.
 * [PE3] Poses may come before the roster names their owner: playouts belong to slots, people to the roster.
 * [PE4] Who is not sent is not drawn either, at once and not after their last pose has gone stale.
 */
import { Playout, type PlayoutOptions } from "@copresence/shared/time";
import { POSE_FLOATS, type PoseSample } from "@copresence/shared/pose";
import { RemoteStreams } from "./remote-streams.ts";
import type { PersonInfo } from "./session-events.ts";
import type { HandControls, HandJoints, People, RemotePerson } from "./space-types.ts";

/** The roster follows the welcome within a round trip; this allows for a slow one. */
const DOUBT_MS = 3000;

/** Settings of a playout that may change while it runs. */
export type PlayoutSettings = Partial<Omit<PlayoutOptions, "tauMs">>;

/** What comes from one slot, whoever the roster says is in it. */
class SlotView {
  readonly playout: Playout;
  readonly streams = new RemoteStreams();

  constructor(settings: PlayoutSettings) {
    this.playout = new Playout(settings);
  }
  reset(): void {
    this.playout.reset();
    this.streams.reset();
  }
}

class Remote implements RemotePerson {
  readonly pose = new Float64Array(POSE_FLOATS);
  readonly states = new Uint8Array(3);
  visible = false;
  unseen: RemotePerson["unseen"] = undefined;
  info: PersonInfo;
  view: SlotView;
  inDoubt = false;

  constructor(info: PersonInfo, view: SlotView) {
    this.info = info;
    this.view = view;
    for (let device = 0; device < 3; device++) this.pose[device * 7 + 6] = 1;
  }

  get slot(): number {
    return this.info.slot;
  }
  get user(): string {
    return this.info.user;
  }
  get name(): string {
    return this.info.name;
  }
  get role(): string {
    return this.info.role;
  }
  get color(): number {
    return this.info.color;
  }
  get status(): "awake" | "asleep" {
    return this.info.status;
  }
  get delayMs(): number {
    return this.view.playout.delayMs;
  }
  shownMs(device: number): number {
    return this.view.playout.shownMs(device);
  }
  get hands(): readonly [HandJoints | undefined, HandJoints | undefined] {
    return this.view.streams.hands;
  }
  get controls(): readonly [HandControls | undefined, HandControls | undefined] {
    return this.view.streams.controls;
  }
  get gaze(): Float64Array | undefined {
    return this.view.streams.gaze;
  }
  /** Shows this person at room time `roomMs`, unless they are not to be shown. */
  show(roomMs: number, hidden: boolean): void {
    const { playout, streams } = this.view;
    this.visible = !hidden && this.unseen === undefined && this.status === "awake" && playout.sample(roomMs, this.pose, this.states);
    if (this.visible) streams.frame(roomMs, playout, this.pose);
    else streams.hide();
  }
}

export type PeopleEvents = {
  readonly joined: (person: RemotePerson) => void;
  readonly left: (person: RemotePerson) => void;
  readonly changed: (person: RemotePerson) => void;
  /** I blocked them: not drawn, whatever still comes. */
  readonly isBlocked: (user: string) => boolean;
};

export class PeopleStore implements People {
  private readonly bySlot: (Remote | undefined)[] = [];
  private readonly views: (SlotView | undefined)[] = [];
  private settings: PlayoutSettings = {};
  /** By slot, for those whom the roster has not named yet, too. */
  private readonly unseen = new Map<number, RemotePerson["unseen"]>();
  private readonly events: PeopleEvents;
  private count = 0;
  private doubtUntilMs = Number.POSITIVE_INFINITY;

  constructor(events: PeopleEvents) {
    this.events = events;
  }

  get size(): number {
    return this.count;
  }

  get(slot: number): RemotePerson | undefined {
    return this.bySlot[slot];
  }

  byUser(user: string): RemotePerson | undefined {
    return this.bySlot.find((person) => person?.user === user);
  }

  *[Symbol.iterator](): Iterator<RemotePerson> {
    for (const person of this.bySlot) if (person !== undefined) yield person;
  }

  /** A new link: room time starts anew, and nobody is certain [PE2]. */
  linkUp(nowMs: number): void {
    for (const view of this.views) view?.reset();
    this.unseen.clear();
    for (const person of this.bySlot) {
      if (person === undefined) continue;
      person.inDoubt = true;
      person.visible = false;
      person.unseen = undefined;
    }
    this.doubtUntilMs = nowMs + DOUBT_MS;
  }

  upsert(info: PersonInfo): void {
    const present = this.bySlot[info.slot];
    if (present !== undefined && present.user === info.user) {
      this.update(present, info);
      return;
    }
    if (present !== undefined) this.remove(info.slot);
    const elsewhere = this.bySlot.find((person) => person?.user === info.user);
    if (elsewhere !== undefined) {
      this.move(elsewhere, info);
      return;
    }
    const person = new Remote(info, this.viewOf(info.slot));
    person.unseen = this.unseen.get(info.slot);
    this.bySlot[info.slot] = person;
    this.count++;
    this.events.joined(person);
  }

  /** Does nothing when the slot is somebody else's by now. */
  remove(slot: number): void {
    const person = this.bySlot[slot];
    if (person === undefined) return;
    this.bySlot[slot] = undefined;
    this.views[slot] = undefined;
    this.unseen.delete(slot);
    this.count--;
    person.visible = false;
    this.events.left(person);
  }

  /** The room does, or does not, send this person [PE4]. */
  setUnseen(slot: number, why: RemotePerson["unseen"]): void {
    this.unseen.set(slot, why);
    const person = this.bySlot[slot];
    if (person === undefined || person.unseen === why) return;
    person.unseen = why;
    if (why !== undefined) person.visible = false;
    // What comes next is somewhere else.
    else person.view.reset();
    this.events.changed(person);
  }

  /** `sample` (reused by the decoder) was measured at room time `sample.timeMs` and came at `arrivalMs`. */
  push(slot: number, sample: PoseSample, arrivalMs: number): void {
    this.viewOf(slot).playout.push(sample, arrivalMs);
  }

  /** Joints, buttons and gestures, and gaze that came for a slot. */
  streamsOf(slot: number): RemoteStreams {
    return this.viewOf(slot).streams;
  }

  /** How everybody is shown from now on. */
  configure(settings: PlayoutSettings): void {
    this.settings = settings;
    for (const view of this.views) view?.playout.configure(settings);
  }

  /** Plays everybody out at room time `roomMs`; returns the mean delay of those shown. */
  frame(roomMs: number, nowMs: number): number {
    if (nowMs >= this.doubtUntilMs) this.dropDoubtful();
    let delays = 0;
    let shown = 0;
    for (const person of this.bySlot) {
      if (person === undefined) continue;
      person.show(roomMs, this.events.isBlocked(person.user));
      if (!person.visible) continue;
      delays += person.delayMs;
      shown++;
    }
    return shown === 0 ? 0 : delays / shown;
  }

  clear(): void {
    for (let slot = 0; slot < this.bySlot.length; slot++) this.remove(slot);
  }

  private update(person: Remote, info: PersonInfo): void {
    const before = person.info;
    person.info = info;
    person.inDoubt = false;
    // Awake again somewhere else: nothing of the old motion may be interpolated from.
    if (before.status === "asleep" && info.status === "awake") person.view.reset();
    const same = before.name === info.name && before.role === info.role && before.color === info.color && before.status === info.status;
    if (!same) this.events.changed(person);
  }

  /** The same user under another slot: after a server restart, slots are dealt anew. */
  private move(person: Remote, info: PersonInfo): void {
    this.bySlot[person.slot] = undefined;
    person.view = this.viewOf(info.slot);
    this.bySlot[info.slot] = person;
    this.update(person, info);
  }

  private viewOf(slot: number): SlotView {
    return (this.views[slot] ??= new SlotView(this.settings));
  }

  private dropDoubtful(): void {
    this.doubtUntilMs = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.bySlot.length; slot++) if (this.bySlot[slot]?.inDoubt === true) this.remove(slot);
  }
}
