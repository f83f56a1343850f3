/**
 * Safety between people: mute, block, personal space, report. Needs no model, and is enforced by not sending.
 *
 * [SA1] Whoever is blocked by, or blocks, a viewer is not sent to that viewer from the next frame on; neither are two strangers who stand in
 *       each other's personal space, to either of them: nobody is looked at from arm's length by somebody they cannot see.
 * [SA2] A viewer is told that somebody is no longer sent (`unseen`), with the reason only where it is their own decision or both people's
 *       place: that one was blocked is nobody's business but the blocker's.
 * [SA3] Decisions hold by user for as long as the room lives; the SDK repeats them when it joins.
 * [SA4] A report never changes what is sent: it is a question to people who decide.
 */
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { BitRows } from "../pose-plane/bit-rows.ts";
import type { HideTable } from "../hide-table.ts";
import type { EffectSink } from "../effect-sink.ts";
import type { Member } from "../member.ts";
import type { Roster } from "../roster.ts";
import { PersonalSpace } from "./personal-space.ts";
import { Relations } from "./relations.ts";
import { Reports } from "./reports.ts";

/** Checks of personal space a second: somebody running in comes 0.4 m further before they vanish. */
const CHECKS_HZ = 10;
/** Who saw it: people within this of the reported one. */
const WITNESS_M = 8;

/** The part of the pose plane this needs. */
export type Sight = {
  hide(viewer: number, source: number, hidden: boolean): void;
  head(slot: number, out: Float64Array): boolean;
};

export type SafetyOptions = {
  readonly out: EffectSink;
  readonly roster: Roster;
  readonly sight: Sight;
  readonly capacity: number;
  readonly tickRateHz: number;
  /** Personal space of who has not chosen their own, m. */
  readonly boundaryM: number;
  /** Whether somebody looks at reports; without, they are refused rather than lost. */
  readonly takesReports: boolean;
  /** Whom others hide from whom, for reasons of their own. */
  readonly hides: HideTable;
};

export class SafetyDesk {
  readonly relations = new Relations();
  private readonly options: SafetyOptions;
  private readonly space: PersonalSpace;
  private readonly reports = new Reports();
  private readonly slots: Int16Array;
  /** Sources a viewer was told it does not see. */
  private readonly told: BitRows;
  private readonly checkTicks: number;
  /** The next part of the check under way; `checkTicks` for none. */
  private part: number;
  private readonly a = new Float64Array(3);
  private readonly b = new Float64Array(3);

  constructor(options: SafetyOptions) {
    const { capacity, roster, sight, tickRateHz } = options;
    this.options = options;
    this.slots = new Int16Array(capacity);
    this.told = new BitRows(capacity, capacity);
    this.checkTicks = Math.max(1, Math.round(tickRateHz / CHECKS_HZ));
    this.part = this.checkTicks;
    const userOf = (slot: number): string => roster.bySlot(slot)?.person.user ?? "";
    this.space = new PersonalSpace({
      capacity,
      headOf: (slot, out) => sight.head(slot, out),
      boundaryOf: (slot) => this.relations.boundaryM(userOf(slot)) ?? options.boundaryM,
      exempt: (a, b) => this.relations.friends(userOf(a), userOf(b)),
      changed: (a, b) => this.judge(a, b),
    });
  }

  // ------------------------------------------------------------------------------------------------------------------ what people say

  relation(member: Member, message: MessageOf<"relation">): void {
    const { user } = member.person;
    const { out, roster } = this.options;
    if (message.user === user) return this.refuse(member, message.ref, "malformed", "Nobody mutes, blocks or befriends themselves.");
    const { mute, block, friend } = message;
    if (!this.relations.decide(user, message.user, { mute, block, friend })) {
      return this.refuse(member, message.ref, "too-many", `At most ${LIMITS.relations} people can be muted, blocked or friends.`);
    }
    out.count("relation");
    const other = roster.byUser(message.user);
    if (other !== undefined) this.judge(member.person.slot, other.person.slot);
  }

  boundary(member: Member, message: MessageOf<"boundary">): void {
    this.relations.setBoundary(member.person.user, Math.min(message.radiusMm, LIMITS.boundaryMm) / 1000);
  }

  report(member: Member, message: MessageOf<"report">, nowMs: number): void {
    const { out } = this.options;
    const { user } = member.person;
    if (message.user === user || (message.user === "" && message.object === "")) {
      return this.refuse(member, message.ref, "malformed", "A report names somebody else, or an object.");
    }
    if (!this.options.takesReports) {
      return this.refuse(member, message.ref, "not-allowed", "This server has no moderators to report to. You can mute or block at once.");
    }
    const id = this.reports.admit(user, nowMs);
    if (id === undefined) {
      return this.refuse(
        member,
        message.ref,
        "too-many",
        "You have sent several reports; a moderator will look at them. You can mute or block at once.",
      );
    }
    const { reason, text, object } = message;
    const lines = message.user === "" ? [] : this.reports.linesOf(message.user, nowMs);
    const evidence = { lines, ...this.place(member, message.user) };
    out.report({ id, atMs: nowMs, reporter: user, user: message.user, object, reason, text, evidence });
    out.count("report");
    out.send(member.session, { type: "reported", ref: message.ref, report: id });
  }

  /** Passed on as often as reports are; one too many is answered like any other that finds nothing. */
  appeal(member: Member, { ref, measure, text }: MessageOf<"appeal">, nowMs: number): void {
    const { out } = this.options;
    if (this.reports.admit(member.person.user, nowMs) === undefined) return out.send(member.session, { type: "appealed", ref, taken: false });
    out.push({ kind: "appeal", session: member.session, user: member.person.user, ref, measure, text });
  }

  hears(listener: string, speaker: string): boolean {
    return this.relations.hears(listener, speaker);
  }

  /** A line was shown to somebody, or hidden by moderation. */
  heard(line: { readonly id: number; readonly user: string; readonly atMs: number; readonly text: string; readonly hidden: boolean }): void {
    this.reports.heard(line);
  }

  // ------------------------------------------------------------------------------------------------------------------- what follows

  /** Somebody is here, or awake again: what holds for them, before the first frame. */
  appeared(member: Member): void {
    const { slot, user } = member.person;
    const { hides, roster } = this.options;
    for (const { person } of roster.members) {
      if (person.slot === slot) continue;
      if (!hides.empty || this.relations.knows(user) || this.relations.knows(person.user)) this.judge(slot, person.slot);
    }
  }

  gone(slot: number): void {
    this.space.forget(slot);
    this.told.fillRow(slot, false);
    for (const { person } of this.options.roster.members) this.told.clear(person.slot, slot);
  }

  /** Something was decided about these two, elsewhere. */
  judgeUsers(viewer: string, source: string): void {
    const { roster } = this.options;
    const [a, b] = [roster.byUser(viewer), roster.byUser(source)];
    if (a !== undefined && b !== undefined) this.judge(a.person.slot, b.person.slot);
  }

  tick(): void {
    // In as many parts as there are ticks between two looks: all of it in one of them would be felt at its p99.
    if (this.part === this.checkTicks) {
      // Where nobody wants a distance and nobody is hidden for one, a thousand people need not be looked at.
      if (this.options.boundaryM === 0 && !this.relations.anyBoundary && this.space.empty) return;
      this.beginCheck();
    }
    this.space.enter(this.part++, this.checkTicks);
  }

  private beginCheck(): void {
    this.part = 0;
    const { members } = this.options.roster;
    let count = 0;
    for (let i = 0; i < members.length; i++) this.slots[count++] = (members[i] as Member).person.slot;
    this.space.begin(this.slots, count);
  }

  /** Brings what is sent between two people in line with what they decided and where they stand. */
  private judge(a: number, b: number): void {
    const { roster } = this.options;
    const [first, second] = [roster.bySlot(a), roster.bySlot(b)];
    if (first === undefined || second === undefined) return;
    this.show(first, second);
    this.show(second, first);
  }

  private show(viewer: Member, source: Member): void {
    const { hides, out, sight } = this.options;
    const [{ slot, user }, other] = [viewer.person, source.person];
    const blocked = this.relations.blocked(user, other.user);
    const inside = this.space.inside(slot, other.slot);
    const unseen = blocked || inside || hides.hides(user, other.user);
    sight.hide(slot, other.slot, unseen);
    if (this.told.has(slot, other.slot) === unseen) return;
    if (unseen) this.told.set(slot, other.slot);
    else this.told.clear(slot, other.slot);
    const mine = this.relations.of(user, other.user).block;
    const why = !unseen ? "seen" : mine ? "blocked" : inside && !blocked ? "boundary" : "hidden";
    out.send(viewer.session, { type: "unseen", slot: other.slot, why });
  }

  private place(reporter: Member, user: string): { readonly distanceM: number | undefined; readonly witnesses: readonly string[] } {
    const { roster, sight } = this.options;
    const reported = roster.byUser(user);
    if (reported === undefined || !sight.head(reported.person.slot, this.a)) return { distanceM: undefined, witnesses: [] };
    const witnesses: string[] = [];
    let distanceM: number | undefined;
    for (const { person } of roster.members) {
      if (person === reported.person || !sight.head(person.slot, this.b)) continue;
      const metres = Math.hypot((this.a[0] as number) - (this.b[0] as number), (this.a[2] as number) - (this.b[2] as number));
      if (person === reporter.person) distanceM = Math.round(metres * 10) / 10;
      else if (metres < WITNESS_M && witnesses.length < LIMITS.searchHits) witnesses.push(person.user);
    }
    return { distanceM, witnesses };
  }

  private refuse(member: Member, ref: number, reason: "malformed" | "not-allowed" | "too-many", sentence: string): void {
    this.options.out.deny(member.session, ref, { reason, object: "", field: "", sentence });
  }
}
