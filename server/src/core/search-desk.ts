/**
 * Questions about the scene go to the pipeline and always come back.
 *
 * [SE1] A question without an answer after `SEARCH_WAIT_MS` is answered empty and `degraded`: the pipeline is dead or flooded,
 *       and the SDK says so. A later answer is dropped.
 * [SE2] At most `MAX_OPEN` questions per session; a repeated `ref` replaces the question.
 * [SE3] Text under a veil is not told to anybody but its author: not as a hit, not in an explanation, not in a description.
 * [SE4] A standing question is answered whenever its answer changes and dies with its session (watch-table.ts). One that goes unanswered says
 *       nothing and is asked again.
 * [SE5] What somebody may not find is asked without (`audiences`) and, should the index be behind, taken out of the answer.
 */
import type { SessionId } from "@copresence/shared/base";
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
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

/** References of what the desk asks for others, apart from the 16 bits of a client's own. */
const WATCH_REF = 0x1_0000;
const DESCRIBE_REF = 0x2_0000;
const GROUP_LABEL_BYTES = 64;

/** Who may find what; without it everybody may find everything. */
export type Findable = {
  /** Names of audiences this member is in (types.ts, `audience` of an object event). */
  readonly audiencesOf: (member: Member) => readonly string[];
  readonly mayFind: (member: Member, object: string) => boolean;
};
type SearchEvent = Extract<PipelineEvent, { kind: "search" }>;
type Answer = Omit<Extract<CoreInput, { kind: "searched" }>, "kind">;

type Question = { readonly session: SessionId; readonly ref: number; readonly limit: number; readonly deadlineMs: number };

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
    if (!this.admits(member, message.ref, message.ref, nowMs)) return;
    this.put(member, message, message.ref, nowMs);
  }

  /** A standing question [SE4]. */
  watch(member: Member, message: MessageOf<"watch">, nowMs: number): void {
    const { session } = member;
    if (member.limits.search.take(nowMs) && this.watches.add(session, message)) return;
    const sentence = `At most ${LIMITS.watchesPerPerson} standing questions a person; end one of them first.`;
    this.out.deny(session, message.ref, { reason: "too-many", object: "", field: "", sentence });
  }
  unwatch(member: Member, ref: number): void {
    this.watches.remove(member.session, ref);
    this.forget(member.session, ref + WATCH_REF);
  }

  describe(member: Member, message: MessageOf<"describe">, nowMs: number): void {
    const { ref } = message;
    if (!this.admits(member, ref, ref + DESCRIBE_REF, nowMs)) return;
    const { session } = member;
    this.open.push({ session, ref: ref + DESCRIBE_REF, limit: 0, deadlineMs: nowMs + SEARCH_WAIT_MS });
    const people = this.roster.members.filter((other) => other !== member).map((other) => this.told(other));
    const event = this.eventOf(member, { ref: ref + DESCRIBE_REF, text: "", limit: 0, withinM: 0, types: [], from: message.from });
    this.out.event({ ...event, describe: { view: message.view, people } });
  }

  /** The scene, or what may be read of it, has changed. */
  sceneChanged(): void {
    this.watches.sceneChanged();
  }

  answer(input: Answer): void {
    const question = this.forget(input.session, input.ref);
    const member = this.roster.bySession(input.session);
    if (question === undefined || member === undefined) return;
    if (input.ref >= DESCRIBE_REF) return this.tell(input, input.ref - DESCRIBE_REF);
    const hits = input.hits
      .filter(({ object }) => this.findable?.mayFind(member, object) !== false)
      .slice(0, question.limit)
      .map((hit) => this.wireHit(hit, member.person.user));
    const watch = input.ref >= WATCH_REF ? this.watches.get(input.session, input.ref - WATCH_REF) : undefined;
    if (input.ref >= WATCH_REF && (watch === undefined || !this.watches.answered(watch, newsOf(input.count, hits)))) return;
    const ref = watch === undefined ? input.ref : watch.message.ref;
    if (input.count !== undefined)
      this.out.send(input.session, { type: "searchCount", ref, count: Math.max(0, Math.min(0xffff_ffff, Math.trunc(input.count) || 0)) });
    this.out.send(input.session, { type: watch === undefined ? "searchResult" : "watchResult", ref, degraded: input.degraded, hits });
  }

  private tell({ session, degraded, description }: Answer, ref: number): void {
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

  private admits(member: Member, ref: number, key: number, nowMs: number): boolean {
    const { session } = member;
    this.forget(session, key);
    const mine = this.open.filter((question) => question.session === session && (question.ref < WATCH_REF || question.ref >= DESCRIBE_REF)).length;
    if (mine < MAX_OPEN && member.limits.search.take(nowMs)) return true;
    const sentence = `At most ${LIMITS.searchPerSecond} questions a second; ask again in a moment.`;
    this.out.deny(session, ref, { reason: "too-many", object: "", field: "", sentence });
    return false;
  }

  private put(member: Member, message: MessageOf<"search"> | MessageOf<"watch">, ref: number, nowMs: number): void {
    const limit = Math.min(message.limit === 0 ? DEFAULT_HITS : message.limit, LIMITS.searchHits);
    this.open.push({ session: member.session, ref, limit, deadlineMs: nowMs + SEARCH_WAIT_MS });
    this.out.event(this.eventOf(member, { ...message, ref, limit }));
  }

  private eventOf(member: Member, asked: Omit<MessageOf<"search">, "type">): SearchEvent {
    const veiled = this.veils.hiddenFrom(member.person.user);
    const audiences = this.findable?.audiencesOf(member);
    return {
      kind: "search",
      session: member.session,
      ref: asked.ref,
      text: asked.text,
      limit: asked.limit,
      withinM: Math.max(0, asked.withinM),
      types: asked.types,
      // Who asks without saying from where is asking from where they stand.
      from: asked.from ?? member.poses.headView(),
      ...(veiled.length === 0 ? {} : { veiled }),
      ...(audiences === undefined ? {} : { audiences }),
    };
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

  private expire({ session, ref }: Question, nowMs: number): void {
    if (ref >= DESCRIBE_REF) return this.tell({ session, ref, degraded: true, hits: [] }, ref - DESCRIBE_REF);
    if (ref < WATCH_REF) return this.out.send(session, { type: "searchResult", ref, degraded: true, hits: [] });
    const watch = this.watches.get(session, ref - WATCH_REF);
    if (watch !== undefined) this.watches.missed(watch, nowMs);
  }

  private askAgain(watch: Watch, nowMs: number): void {
    const member = this.roster.bySession(watch.session);
    if (member === undefined) return this.watches.leave(watch.session);
    this.forget(watch.session, watch.message.ref + WATCH_REF);
    this.put(member, watch.message, watch.message.ref + WATCH_REF, nowMs);
  }

  leave(session: SessionId): void {
    this.watches.leave(session);
    for (let i = this.open.length - 1; i >= 0; i--) if (this.open[i]?.session === session) this.open.splice(i, 1);
  }

  private forget(session: SessionId, ref: number): Question | undefined {
    const at = this.open.findIndex((question) => question.session === session && question.ref === ref);
    return at < 0 ? undefined : this.open.splice(at, 1)[0];
  }
}

/** What counts as news of a standing question: which things, what they are called, where to the centimetre; not how scores wobble. */
const newsOf = (count: number | undefined, hits: MessageOf<"watchResult">["hits"]): string =>
  JSON.stringify([count ?? -1, hits.map(({ object, label, position }) => [object, label, position.map((metres) => Math.round(metres * 100))])]);
