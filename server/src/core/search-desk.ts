/**
 * Questions about the scene go to the pipeline and always come back.
 *
 * [SE1] A question without an answer after `SEARCH_WAIT_MS` is answered empty and `degraded`: the pipeline is dead or flooded,
 *       and the SDK says so. A later answer is dropped.
 * [SE2] At most `MAX_OPEN` questions per session; a repeated `ref` replaces the question.
 * [SE3] Text under a veil is not told to anybody but its author: not as a hit, not in an explanation, not in a description.
 * [SE4] A standing question is answered whenever its answer changes and dies with its session (watch-table.ts). One that goes unanswered says
 *       nothing and is asked again.
 * [SE5] What somebody may not find is in no answer: the question says what they may find (`find`), hits that an index which is behind lets through
 *       are taken out, and when the rules change every open question is asked anew, so that no answer from before counts. People they do not
 *       see are in no description.
 */
import type { SessionId } from "@copresence/shared/base";
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import type { PermissionPerson, ResolvedRight } from "@copresence/shared/scene";
import { cutUtf8 } from "./cut-utf8.ts";
import type { EffectSink } from "./effect-sink.ts";
import type { Member } from "./member.ts";
import type { Roster } from "./roster.ts";
import type { CoreInput, DescribedPerson, PipelineEvent, SearchHit } from "./types.ts";
import type { VeilTable } from "./veils.ts";
import { type Watch, WatchTable } from "./watch-table.ts";

export const SEARCH_WAIT_MS = 2000;
const MAX_OPEN = 8;
const DEFAULT_HITS = 10;
const WHY_BYTES = 256;
const ORIGIN = [0, 0, 0] as const;

/** Numbers of askings on the wire to workers are 32 bits; by then the first are long forgotten. */
const MAX_SERIAL = 0xffff_ffff;
const GROUP_LABEL_BYTES = 64;
const TOO_OFTEN = `At most ${LIMITS.searchPerSecond} questions a second; ask again in a moment.`;
const TOO_MANY_WATCHES = `At most ${LIMITS.watchesPerPerson} standing questions a person; end one of them first.`;

/** Who may find what; without it everybody may find everything. */
export type Findable = {
  /** What this person may find, as a worker judges it; undefined: everything. */
  readonly rulesOf: (person: PermissionPerson) => ResolvedRight | undefined;
  /** The same of one object as it is now. */
  readonly mayFind: (person: PermissionPerson, object: string) => boolean;
  /** Whether one person is shown another at all (mutes, blocks, boundaries). */
  readonly sees: (viewer: Member, other: Member) => boolean;
};
type SearchEvent = Extract<PipelineEvent, { kind: "search" }>;
type Answer = Omit<Extract<CoreInput, { kind: "searched" }>, "kind">;

type Asked = MessageOf<"search"> | MessageOf<"watch"> | MessageOf<"describe">;
type Question = { readonly session: SessionId; readonly asked: Asked; readonly limit: number; readonly deadlineMs: number; serial: number };

/** Numbers from the pipeline go on the wire as f32, which the client refuses when they are not finite. */
const wireNumber = (value: number | undefined): number => (value !== undefined && Number.isFinite(Math.fround(value)) ? value : 0);

export class SearchDesk {
  private readonly out: EffectSink;
  private readonly roster: Roster;
  private readonly veils: VeilTable;
  private readonly findable: Findable | undefined;
  private readonly holds: (slot: number) => readonly string[];
  private readonly watches = new WatchTable();
  /** Oldest first; deadlines are in order because the wait is one constant. */
  private readonly open: Question[] = [];
  private serial = 0;

  constructor(options: {
    readonly out: EffectSink;
    readonly roster: Roster;
    readonly veils: VeilTable;
    readonly findable?: Findable | undefined;
    /** Ids of what the person in a slot holds. */
    readonly holds?: (slot: number) => readonly string[];
  }) {
    this.findable = options.findable;
    this.holds = options.holds ?? (() => []);
    this.out = options.out;
    this.roster = options.roster;
    this.veils = options.veils;
  }

  ask(member: Member, message: MessageOf<"search">, nowMs: number): void {
    if (this.admits(member, message, nowMs)) this.put(member, message, nowMs);
  }

  /** A standing question [SE4]. */
  watch(member: Member, message: MessageOf<"watch">, nowMs: number): void {
    const { session } = member;
    if (!member.limits.search.take(nowMs)) return this.refuse(session, message.ref, TOO_OFTEN);
    if (!this.watches.add(session, message)) this.refuse(session, message.ref, TOO_MANY_WATCHES);
  }
  unwatch(member: Member, ref: number): void {
    this.watches.remove(member.session, ref);
    this.forget(member.session, "watch", ref);
  }

  describe(member: Member, message: MessageOf<"describe">, nowMs: number): void {
    if (this.admits(member, message, nowMs)) this.put(member, message, nowMs);
  }

  /** The scene, or what may be read of it, has changed. */
  sceneChanged(): void {
    this.watches.sceneChanged();
  }

  /** Who may find what has changed: what is under way was asked under other rules [SE5]. */
  rulesChanged(): void {
    this.watches.sceneChanged();
    for (const question of this.open) {
      const member = this.roster.bySession(question.session);
      if (member !== undefined) this.send(member, question);
    }
  }

  answer(input: Answer): void {
    const question = this.open.find(({ serial, session }) => serial === input.ref && session === input.session);
    const member = this.roster.bySession(input.session);
    if (question === undefined || member === undefined) return;
    this.open.splice(this.open.indexOf(question), 1);
    const { asked } = question;
    if (asked.type === "describe") return this.tell(asked.ref, input);
    const hits = input.hits
      .filter(({ object }) => this.findable?.mayFind(member.person, object) !== false)
      .slice(0, question.limit)
      .map((hit) => this.wireHit(hit, member.person.user));
    const watch = asked.type === "watch" ? this.watches.get(input.session, asked.ref) : undefined;
    if (asked.type === "watch" && (watch === undefined || !this.watches.answered(watch, newsOf(input.count, hits)))) return;
    const { ref } = asked;
    if (input.count !== undefined)
      this.out.send(input.session, { type: "searchCount", ref, count: Math.max(0, Math.min(0xffff_ffff, Math.trunc(input.count) || 0)) });
    this.out.send(input.session, { type: watch === undefined ? "searchResult" : "watchResult", ref, degraded: input.degraded, hits });
  }

  private tell(ref: number, { session, degraded, description }: Answer): void {
    const { text = "", objects = 0, people = 0, groups = [] } = description ?? {};
    this.out.send(session, {
      type: "description",
      ref,
      degraded: degraded || description === undefined,
      text: cutUtf8(text, LIMITS.descriptionBytes),
      objects,
      people,
      groups: groups.slice(0, LIMITS.descriptionGroups).map(({ label, count, position }) => ({
        label: cutUtf8(label, GROUP_LABEL_BYTES),
        count: Math.min(count, 0xffff),
        position: ORIGIN.map((_, axis) => wireNumber(position[axis])),
      })),
    });
  }

  private admits(member: Member, { type, ref }: Asked, nowMs: number): boolean {
    const { session } = member;
    this.forget(session, type, ref);
    const mine = this.open.filter((question) => question.session === session && question.asked.type !== "watch").length;
    if (mine < MAX_OPEN && member.limits.search.take(nowMs)) return true;
    this.refuse(session, ref, TOO_OFTEN);
    return false;
  }

  private refuse(session: SessionId, ref: number, sentence: string): void {
    this.out.deny(session, ref, { reason: "too-many", object: "", field: "", sentence });
  }

  private put(member: Member, asked: Asked, nowMs: number): void {
    const limit = asked.type === "describe" ? 0 : Math.min(asked.limit === 0 ? DEFAULT_HITS : asked.limit, LIMITS.searchHits);
    const question: Question = { session: member.session, asked, limit, deadlineMs: nowMs + SEARCH_WAIT_MS, serial: 0 };
    this.open.push(question);
    this.send(member, question);
  }

  /** Asks the pipeline, under a number of its own: what was asked before is not waited for any more. */
  private send(member: Member, question: Question): void {
    const { asked, limit } = question;
    const { person } = member;
    this.serial = this.serial >= MAX_SERIAL ? 1 : this.serial + 1;
    question.serial = this.serial;
    const { text, withinM, types } = asked.type === "describe" ? { text: "", withinM: 0, types: [] } : asked;
    const veiled = this.veils.hiddenFrom(person.user);
    const find = this.findable?.rulesOf(person);
    const event: SearchEvent = {
      kind: "search",
      session: member.session,
      ref: question.serial,
      text,
      limit,
      withinM: Math.max(0, withinM),
      types,
      // Who asks without saying from where is asking from where they stand.
      from: asked.from ?? member.poses.headView(),
      ...(veiled.length === 0 ? {} : { veiled }),
      ...(find === undefined ? {} : { find }),
      ...(asked.type === "describe" ? { describe: { view: asked.view, people: this.peopleFor(member) } } : {}),
    };
    this.out.event(event);
  }

  private peopleFor(member: Member): DescribedPerson[] {
    const others = this.roster.members.filter((other) => other !== member && this.findable?.sees(member, other) !== false);
    return others.map((other) => this.told(other));
  }

  private told({ person, poses }: Member): DescribedPerson {
    const asleep = person.status === "asleep";
    return { name: person.name, asleep, view: asleep ? null : poses.headView(), holds: this.holds(person.slot) };
  }

  private wireHit(hit: SearchHit, reader: string): MessageOf<"searchResult">["hits"][number] {
    const veiled = this.veils.hidesFrom(hit.object, reader);
    return {
      object: hit.object,
      score: wireNumber(hit.score),
      position: ORIGIN.map((_, axis) => wireNumber(hit.position[axis])),
      label: veiled ? "" : cutUtf8(hit.label, LIMITS.labelBytes),
      why: veiled ? "text hidden by moderation" : cutUtf8(hit.why, WHY_BYTES),
    };
  }

  /** Answers what has waited too long. */
  flush(nowMs: number): void {
    let question = this.open[0];
    while (question !== undefined && question.deadlineMs <= nowMs) {
      this.open.shift();
      this.expire(question, nowMs);
      question = this.open[0];
    }
    for (const watch of this.watches.due(nowMs, (session) => this.roster.bySession(session)?.poses.headView()?.position)) this.askAgain(watch, nowMs);
  }

  private expire({ session, asked: { type, ref } }: Question, nowMs: number): void {
    if (type === "describe") return this.tell(ref, { session, ref, degraded: true, hits: [] });
    if (type === "search") return this.out.send(session, { type: "searchResult", ref, degraded: true, hits: [] });
    const watch = this.watches.get(session, ref);
    if (watch !== undefined) this.watches.missed(watch, nowMs);
  }

  private askAgain(watch: Watch, nowMs: number): void {
    const member = this.roster.bySession(watch.session);
    if (member === undefined) return this.watches.leave(watch.session);
    this.forget(watch.session, "watch", watch.message.ref);
    this.put(member, watch.message, nowMs);
  }

  leave(session: SessionId): void {
    this.watches.leave(session);
    for (let i = this.open.length - 1; i >= 0; i--) if (this.open[i]?.session === session) this.open.splice(i, 1);
  }

  private forget(session: SessionId, type: Asked["type"], ref: number): void {
    const at = this.open.findIndex(({ session: of, asked }) => of === session && asked.type === type && asked.ref === ref);
    if (at >= 0) this.open.splice(at, 1);
  }
}

/** What counts as news of a standing question: which things, what they are called, where to the centimetre; not how scores wobble. */
const newsOf = (count: number | undefined, hits: MessageOf<"watchResult">["hits"]): string =>
  JSON.stringify([count ?? -1, hits.map(({ object, label, position }) => [object, label, position.map((metres) => Math.round(metres * 100))])]);
