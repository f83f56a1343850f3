/**
 * The moderators' API, under `/moderation/`: a join ticket of somebody who may moderate is exchanged for a session of one hour, and with it
 * go the queue, cases, decisions and roll-backs. JSON in, JSON out.
 *
 *   POST session {}                        Authorization: Bearer TICKET      -> {token, space, user}
 *   POST appeal {measure, text}            Authorization: Bearer TICKET      -> {taken}: for who is not let in any more
 *   POST queue {state?, limit?}            Authorization: Bearer TOKEN       -> {cases}
 *   POST case {id}                                                           -> {case, measures, audit}
 *   POST decide {id, kind, minutes?, words?}                                 -> {done}
 *   POST rollback {measure}                                                  -> {done}
 *
 * [MH1] Only roles whose RoleSpec says `moderate` get a session, and it reaches the ticket's space alone. What is kept about a person is kept
 *       across spaces: it is handed out and erased by whoever holds the operator's key (operator.ts), never from here.
 * [MH2] The Origin allow-list holds. No cookies: a token is in memory here and in the page, nowhere else.
 * [MH3] At most CALLS_PER_SECOND a session, SESSIONS_MAX sessions.
 */
import { createHash, randomBytes } from "node:crypto";
import { LIMITS } from "@copresence/shared/protocol";
import { z } from "zod";
import { roleOf } from "../../core/member.ts";
import { TokenBucket } from "../../core/rate-limits.ts";
import type { Scene } from "@copresence/shared/scene";
import type { OriginPolicy } from "../auth/origins.ts";
import type { TicketVerifier } from "../auth/tickets.ts";
import { CASE_STATES } from "../moderation/case-types.ts";
import { DECISIONS, type ModerationDesk } from "../moderation/moderation-desk.ts";
import { refusal } from "../refusal.ts";
import { type HttpReply, type HttpRequest, jsonReply, refusalReply } from "./http.ts";

export const MODERATION_PATH = "/moderation/";
const SESSION_MS = 60 * 60_000;
const SESSIONS_MAX = 256;
const CALLS_PER_SECOND = 10;
const CALLS_BURST = 40;
const QUEUE_MAX = 200;

export type ModerationApiOptions = {
  readonly desk: ModerationDesk;
  readonly tickets: Pick<TicketVerifier, "admit">;
  readonly origins: OriginPolicy;
  readonly sceneOf: (space: string) => Scene | undefined;
  readonly wallClock: () => number;
};
type Session = { readonly user: string; readonly space: string; readonly untilMs: number; readonly calls: TokenBucket };

const id = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const BODIES = {
  appeal: z.object({ measure: id.default(0), text: z.string().max(LIMITS.reportBytes).default("") }),
  queue: z.object({ state: z.enum([...CASE_STATES, "all"]).default("open"), limit: z.number().int().min(1).max(QUEUE_MAX).default(100) }),
  case: z.object({ id }),
  decide: z.object({
    id,
    kind: z.enum(DECISIONS),
    minutes: z.number().min(1).max(525_600).default(60),
    words: z.string().max(LIMITS.reportBytes).default(""),
  }),
  rollback: z.object({ measure: id }),
};

export class ModerationApi {
  private readonly options: ModerationApiOptions;
  /** By digest of the token. */
  private readonly sessions = new Map<string, Session>();

  constructor(options: ModerationApiOptions) {
    this.options = options;
  }

  async reply(request: HttpRequest): Promise<HttpReply> {
    const origin = request.header("origin");
    const cors = origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "origin" };
    if (!this.options.origins.allows(origin)) return refusalReply(refusal("originRefused"), cors);
    if (request.method === "OPTIONS") return preflight(cors);
    if (request.method !== "POST") return jsonReply(405, { error: "Use POST with a JSON body." }, cors);
    const answer = await this.answer(request);
    return jsonReply(answer.status, answer.body, cors);
  }

  private async answer(request: HttpRequest): Promise<Answer> {
    const what = request.path.slice(MODERATION_PATH.length);
    const body = parse(request.body);
    if (body === undefined) return fault(400, "The body must be a JSON object.");
    const token = bearer(request);
    if (what === "session") return this.begin(token);
    if (what === "appeal") return this.appeal(token, body);
    const session = this.sessionOf(token);
    if (session === undefined) return fault(401, "Sign in with a ticket of a role that may moderate.");
    if (!session.calls.take(this.options.wallClock())) return fault(429, "Too many calls; wait a second.");
    return this.serve(what, body, session);
  }

  private async begin(ticket: string): Promise<Answer> {
    const { tickets, sceneOf, wallClock } = this.options;
    const admitted = await tickets.admit(ticket);
    if (!admitted.ok) return fault(401, admitted.error.sentence);
    const { identity, space } = admitted.value;
    const scene = sceneOf(space);
    if (scene === undefined || !roleOf(scene.roles, identity.role).moderate) return fault(403, "This role may not moderate in this space.");
    const nowMs = wallClock();
    for (const [key, { untilMs }] of this.sessions) if (untilMs <= nowMs) this.sessions.delete(key);
    if (this.sessions.size >= SESSIONS_MAX) return fault(503, "Too many moderators are signed in.");
    const token = randomBytes(32).toString("base64url");
    const calls = new TokenBucket({ perSecond: CALLS_PER_SECOND, burst: CALLS_BURST, nowMs });
    this.sessions.set(digest(token), { user: identity.user, space, untilMs: nowMs + SESSION_MS, calls });
    return { status: 200, body: { token, space, user: identity.user } };
  }

  private async appeal(ticket: string, body: unknown): Promise<Answer> {
    const admitted = await this.options.tickets.admit(ticket);
    if (!admitted.ok) return fault(401, admitted.error.sentence);
    const parsed = BODIES.appeal.safeParse(body);
    if (!parsed.success) return fault(400, "Send {measure, text}.");
    const { identity, space } = admitted.value;
    return { status: 200, body: { taken: this.options.desk.appeal(space, identity.user, parsed.data.measure, parsed.data.text) } };
  }

  private async serve(what: string, body: unknown, { user, space }: Session): Promise<Answer> {
    const { desk } = this.options;
    switch (what) {
      case "queue": {
        const asked = BODIES.queue.safeParse(body);
        return asked.success ? ok({ cases: await desk.queue(space, asked.data.state, asked.data.limit) }) : fault(400, "Send {state?, limit?}.");
      }
      case "case": {
        const asked = BODIES.case.safeParse(body);
        const view = asked.success ? await desk.look(space, asked.data.id) : undefined;
        return view === undefined ? fault(404, "There is no such case in this space.") : ok(view);
      }
      case "decide": {
        const asked = BODIES.decide.safeParse(body);
        if (!asked.success) return fault(400, `Send {id, kind, minutes?, words?}; kind is one of ${DECISIONS.join(", ")}.`);
        const { id: number, kind, minutes, words } = asked.data;
        const done = await desk.decide(space, number, user, { kind, forMs: minutes * 60_000, words });
        return done ? ok({ done }) : fault(409, "There is no such case here, or it names nobody this can be done to.");
      }
      case "rollback": {
        const asked = BODIES.rollback.safeParse(body);
        const done = asked.success && desk.rollback(space, asked.data.measure, user);
        return done ? ok({ done }) : fault(404, "No measure of that number holds in this space.");
      }
      default:
        return fault(404, "There is nothing at this path.");
    }
  }

  private sessionOf(token: string): Session | undefined {
    const session = this.sessions.get(digest(token));
    return session !== undefined && session.untilMs > this.options.wallClock() ? session : undefined;
  }
}

type Answer = { readonly status: number; readonly body: unknown };
const ok = (body: unknown): Answer => ({ status: 200, body });
const fault = (status: number, error: string): Answer => ({ status, body: { error } });
const digest = (text: string): string => createHash("sha256").update(text).digest("base64url");

function bearer(request: HttpRequest): string {
  const header = request.header("authorization");
  return header?.startsWith("Bearer ") === true ? header.slice("Bearer ".length) : "";
}

const preflight = (cors: Readonly<Record<string, string>>): HttpReply => ({
  status: 204,
  headers: { ...cors, "access-control-allow-methods": "POST", "access-control-allow-headers": "content-type, authorization" },
  body: "",
});

function parse(body: Uint8Array): unknown {
  if (body.length > LIMITS.bodyBytes) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
