/**
 * `space.safety`: what I decide about other people. The room enforces it by not sending; this keeps my decisions and repeats them on every
 * new link, because a room forgets them when its server restarts.
 *
 * [SF1] A decision shows at once: somebody I block vanishes with the call, not with the room's answer.
 */
import { LIMITS, type MessageOf, type UpMessage } from "@copresence/shared/protocol";
import { cutUtf8 } from "./cut-utf8.ts";
import type { MeasureNotice, ReportOptions, Safety, SafetyDecisions } from "./space-types.ts";

type Kind = "mute" | "block" | "friend";
type Ports = {
  readonly up: () => boolean;
  readonly send: (message: UpMessage) => void;
  readonly nextRef: () => number;
  /** Somebody is to be drawn, or not, before the room says so. */
  readonly changed: (user: string) => void;
};

export class SafetyState implements Safety {
  private readonly ports: Ports;
  private readonly sets: Readonly<Record<Kind, Set<string>>>;
  private ownBoundaryM: number | undefined;
  readonly measures = new Map<number, MeasureNotice>();
  private readonly appeals = new Map<number, (taken: boolean) => void>();
  private readonly reports = new Map<number, (report: number | undefined) => void>();

  constructor(ports: Ports, decisions: SafetyDecisions = {}) {
    this.ports = ports;
    this.sets = { mute: new Set(decisions.muted), block: new Set(decisions.blocked), friend: new Set(decisions.friends) };
    if (decisions.boundaryM !== undefined) this.ownBoundaryM = checkBoundary(decisions.boundaryM);
  }

  get muted(): ReadonlySet<string> {
    return this.sets.mute;
  }
  get blocked(): ReadonlySet<string> {
    return this.sets.block;
  }
  get friends(): ReadonlySet<string> {
    return this.sets.friend;
  }
  get boundaryM(): number | undefined {
    return this.ownBoundaryM;
  }
  set boundaryM(metres: number | undefined) {
    this.ownBoundaryM = metres === undefined ? undefined : checkBoundary(metres);
    if (metres !== undefined) this.sendBoundary();
  }

  mute(user: string, on = true): void {
    this.decide("mute", user, on);
  }
  block(user: string, on = true): void {
    this.decide("block", user, on);
  }
  befriend(user: string, on = true): void {
    this.decide("friend", user, on);
  }

  report({ user = "", object = "", reason, text = "" }: ReportOptions): Promise<number | undefined> {
    if (user === "" && object === "") throw new RangeError("A report names a person, an object or both.");
    if (!this.ports.up()) return Promise.resolve(undefined);
    const ref = this.ports.nextRef();
    this.ports.send({ type: "report", ref, user, object, reason, text: cutUtf8(text.replaceAll("\0", ""), LIMITS.reportBytes) });
    return new Promise((resolve) => void this.reports.set(ref, resolve));
  }

  appeal(text: string, measure = 0): Promise<boolean> {
    if (!this.ports.up()) return Promise.resolve(false);
    const ref = this.ports.nextRef();
    this.ports.send({ type: "appeal", ref, measure, text: cutUtf8(text.replaceAll("\0", ""), LIMITS.reportBytes) });
    return new Promise((resolve) => void this.appeals.set(ref, resolve));
  }

  /** A warning, number 0, does not hold. */
  onMeasure(notice: MeasureNotice): void {
    if (!notice.on) this.measures.delete(notice.measure);
    else if (notice.measure !== 0) this.measures.set(notice.measure, notice);
  }

  onAppealed({ ref, taken }: MessageOf<"appealed">): void {
    this.appeals.get(ref)?.(taken);
    this.appeals.delete(ref);
  }

  onReported({ ref, report }: MessageOf<"reported">): void {
    this.settle(ref, report);
  }
  /** False when `ref` was no report of mine. */
  refused(ref: number): boolean {
    return this.settle(ref, undefined);
  }

  /** A new link: the room may know nothing of me, and tells what holds. */
  linkUp(): void {
    this.measures.clear();
    for (const user of new Set([...this.muted, ...this.blocked, ...this.friends])) this.sendRelation(user);
    this.sendBoundary();
  }
  linkDown(): void {
    for (const ref of this.reports.keys()) this.settle(ref, undefined);
    for (const resolve of this.appeals.values()) resolve(false);
    this.appeals.clear();
  }

  private decide(kind: Kind, user: string, on: boolean): void {
    const set = this.sets[kind];
    if (set.has(user) === on) return;
    if (on) set.add(user);
    else set.delete(user);
    this.ports.changed(user);
    this.sendRelation(user);
  }

  private sendRelation(user: string): void {
    if (!this.ports.up()) return;
    const { mute, block, friend } = this.sets;
    this.ports.send({ type: "relation", ref: this.ports.nextRef(), user, mute: mute.has(user), block: block.has(user), friend: friend.has(user) });
  }

  private sendBoundary(): void {
    if (this.ownBoundaryM !== undefined && this.ports.up()) this.ports.send({ type: "boundary", radiusMm: Math.round(this.ownBoundaryM * 1000) });
  }

  private settle(ref: number, report: number | undefined): boolean {
    const resolve = this.reports.get(ref);
    if (resolve === undefined) return false;
    this.reports.delete(ref);
    resolve(report);
    return true;
  }
}

function checkBoundary(metres: number): number {
  const most = LIMITS.boundaryMm / 1000;
  if (!(metres >= 0 && metres <= most)) throw new RangeError(`A personal space is 0 to ${most} m.`);
  return metres;
}
