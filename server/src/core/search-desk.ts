/**
 * Questions about the scene go to the pipeline and always come back.
 *
 * [SE1] A question without an answer after `SEARCH_WAIT_MS` is answered empty and `degraded`: the pipeline is dead or flooded,
 *       and the SDK says so. A later answer is dropped.
 * [SE2] At most `MAX_OPEN` questions per session; a repeated `ref` replaces the question.
 * [SE3] Text under a veil is not told to anybody but its author, also not as a search hit.
 */
import type { SessionId } from "@copresence/shared/base";
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { cutUtf8 } from "./cut-utf8.ts";
import type { EffectSink } from "./effect-sink.ts";
import type { Member } from "./member.ts";
import type { Roster } from "./roster.ts";
import type { SearchHit } from "./types.ts";
import type { VeilTable } from "./veils.ts";

export const SEARCH_WAIT_MS = 2000;
const MAX_OPEN = 8;
const DEFAULT_HITS = 10;
const WHY_BYTES = 256;
const ORIGIN = [0, 0, 0] as const;

type Question = { readonly session: SessionId; readonly ref: number; readonly limit: number; readonly deadlineMs: number };

/** Numbers from the pipeline go on the wire as f32, which the client refuses when they are not finite. */
const wireNumber = (value: number | undefined): number => (value !== undefined && Number.isFinite(Math.fround(value)) ? value : 0);

export class SearchDesk {
  private readonly out: EffectSink;
  private readonly roster: Roster;
  private readonly veils: VeilTable;
  /** Oldest first; deadlines are in order because the wait is one constant. */
  private readonly open: Question[] = [];

  constructor(options: { readonly out: EffectSink; readonly roster: Roster; readonly veils: VeilTable }) {
    this.out = options.out;
    this.roster = options.roster;
    this.veils = options.veils;
  }

  ask(member: Member, message: MessageOf<"search">, nowMs: number): void {
    const { session } = member;
    const { ref } = message;
    this.forget(session, ref);
    const mine = this.open.filter((question) => question.session === session).length;
    if (mine >= MAX_OPEN || !member.limits.search.take(nowMs)) {
      const sentence = `At most ${LIMITS.searchPerSecond} questions a second; ask again in a moment.`;
      this.out.deny(session, ref, { reason: "too-many", object: "", field: "", sentence });
      return;
    }
    const limit = Math.min(message.limit === 0 ? DEFAULT_HITS : message.limit, LIMITS.searchHits);
    this.open.push({ session, ref, limit, deadlineMs: nowMs + SEARCH_WAIT_MS });
    this.out.event({
      kind: "search",
      session,
      ref,
      text: message.text,
      limit,
      withinM: Math.max(0, message.withinM),
      types: message.types,
      // Who asks without saying from where is asking from where they stand.
      from: message.from ?? member.poses.headView(),
    });
  }

  answer(input: { readonly session: SessionId; readonly ref: number; readonly degraded: boolean; readonly hits: readonly SearchHit[] }): void {
    const question = this.forget(input.session, input.ref);
    const member = this.roster.bySession(input.session);
    if (question === undefined || member === undefined) return;
    const hits = input.hits.slice(0, question.limit).map((hit) => this.wireHit(hit, member.person.user));
    this.out.send(input.session, { type: "searchResult", ref: input.ref, degraded: input.degraded, hits });
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
      this.out.send(question.session, { type: "searchResult", ref: question.ref, degraded: true, hits: [] });
      question = this.open[0];
    }
  }

  leave(session: SessionId): void {
    for (let i = this.open.length - 1; i >= 0; i--) if (this.open[i]?.session === session) this.open.splice(i, 1);
  }

  private forget(session: SessionId, ref: number): Question | undefined {
    const at = this.open.findIndex((question) => question.session === session && question.ref === ref);
    return at < 0 ? undefined : this.open.splice(at, 1)[0];
  }
}
