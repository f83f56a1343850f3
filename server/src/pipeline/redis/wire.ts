/**
 * Events and outcomes as text in Redis, and back. What comes from Redis is not trusted: anybody with access to it may have written it.
 *
 * [EW1] Decoding checks every field and never throws; what does not fit is a value that says so.
 * [EW2] No pose goes to Redis: a search's viewpoint, and those of the people a description tells of, are rounded to 25 cm and an eighth of a right angle about the vertical axis, enough for
 *       "left of me", nothing to know a person by. No kind of event carries motion.
 * [EW4] No user's id goes to Redis: whose text it is stands there as a pseudonym. Who knows the id finds what is theirs (person-keeper.ts); who
 *       reads Redis does not learn the id, but could try ids that they guess.
 * [EW3] A kind of event or answer that is added to the types does not compile until it is described here.
 */
import { createHash } from "node:crypto";
import type { SessionId } from "@copresence/shared/base";
import { type ResolvedRight, RULES_MAX } from "@copresence/shared/scene";
import { z } from "zod";
import type { PipelineEvent, SceneDescription, SearchHit } from "../../core/types.ts";
import type { Outcome } from "../carrier.ts";
import type { JudgedBy, PipelineAnswer } from "../types.ts";

const POSITION_STEP_M = 0.25;
const YAW_STEP_RAD = Math.PI / 16;

/** Rules of a scene's definition and those set while it runs. */
const RULES_MOST = 4 * RULES_MAX;

const text = z.string().max(65_536);
const id = z.string().max(256);
const count = z.number().int().nonnegative();
const vector = z.array(z.number()).max(4);
const corner = z.tuple([z.number(), z.number(), z.number()]);
const subject = z.union([
  z.strictObject({ kind: z.literal("chat"), id: count }),
  z.strictObject({ kind: z.literal("field"), object: id, field: id }),
]);
const thresholds = z.record(id, z.number()).refine((heads) => Object.keys(heads).length <= 64, "too many heads");
const by: z.ZodType<JudgedBy> = z.strictObject({ model: id, version: id, why: z.array(id).max(64), thresholds });
const verdicts = z.array(z.tuple([id, z.boolean()])).max(RULES_MOST);
const find: z.ZodType<ResolvedRight> = z.strictObject({
  otherwise: z.boolean(),
  objects: verdicts,
  types: verdicts,
  zones: z.array(z.strictObject({ min: corner, max: corner, allow: z.boolean(), rank: count })).max(RULES_MOST),
});
const session = id as unknown as z.ZodType<SessionId>;

const view = z.strictObject({ position: vector, rotation: vector }).nullable();

const EVENTS: { readonly [K in PipelineEvent["kind"]]: z.ZodType<Extract<PipelineEvent, { kind: K }>> } = {
  object: z.strictObject({
    kind: z.literal("object"),
    object: id,
    version: count,
    type: id,
    label: text,
    text,
    position: vector,
    sizeM: z.number(),
    color: id,
    size: vector.optional(),
    tags: z.array(text).max(1024).optional(),
    room: text.optional(),
  }),
  objectGone: z.strictObject({ kind: z.literal("objectGone"), object: id, version: count }),
  text: z.strictObject({ kind: z.literal("text"), subject, version: count, user: id, text, thresholds: thresholds.optional() }),
  search: z.strictObject({
    kind: z.literal("search"),
    session,
    ref: count,
    text,
    limit: count,
    withinM: z.number(),
    types: z.array(id).max(64),
    from: view,
    find: find.optional(),
    veiled: z.array(id).max(65_536).optional(),
    describe: z
      .strictObject({
        view: z.boolean(),
        people: z.array(z.strictObject({ name: id, asleep: z.boolean(), view, holds: z.array(id).max(64) })).max(4096),
      })
      .optional(),
  }),
};
const hit: z.ZodType<SearchHit> = z.strictObject({ object: id, score: z.number(), position: vector, label: text, why: text });
const description: z.ZodType<SceneDescription> = z.strictObject({
  text,
  objects: count,
  people: count,
  groups: z.array(z.strictObject({ label: text, count, position: vector })).max(256),
});
const ANSWERS: { readonly [K in PipelineAnswer["kind"]]: z.ZodType<Extract<PipelineAnswer, { kind: K }>> } = {
  verdict: z.strictObject({ kind: z.literal("verdict"), subject, version: count, hide: z.boolean(), reason: id, by }),
  searched: z.strictObject({
    kind: z.literal("searched"),
    session: id,
    ref: count,
    degraded: z.boolean(),
    hits: z.array(hit).max(64),
    count: count.optional(),
    description: description.optional(),
  }),
};

/** One entry of the events stream. `forget`: the scene is closed. */
export type Posted = {
  readonly producer: string;
  readonly id: number;
  readonly scene: string;
  readonly ttlMs?: number | undefined;
  readonly event?: PipelineEvent | undefined;
};
const posted: z.ZodType<Posted> = z.strictObject({
  producer: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  id: count,
  scene: id,
  ttlMs: z.number().positive().optional(),
  event: z.union(Object.values(EVENTS) as [z.ZodType<PipelineEvent>, z.ZodType<PipelineEvent>]).optional(),
});
const outcomes: z.ZodType<Outcome[]> = z
  .array(
    z.strictObject({
      id: count,
      scene: id,
      answer: z.union(Object.values(ANSWERS) as [z.ZodType<PipelineAnswer>, z.ZodType<PipelineAnswer>]).optional(),
      dead: z.strictObject({ why: id, key: z.string().max(1024), version: count }).optional(),
    }),
  )
  .max(4096);

export function writePosted(entry: Posted): string {
  const { event } = entry;
  if (event?.kind === "search") return JSON.stringify({ ...entry, event: withoutPose(event) });
  if (event?.kind === "text") return JSON.stringify({ ...entry, event: { ...event, user: pseudonymOf(event.user) } });
  return JSON.stringify(entry);
}
export const readPosted = (json: string): Posted | undefined => read(posted, json);
export const writeOutcomes = (list: readonly Outcome[]): string => JSON.stringify(list);
export const readOutcomes = (json: string): Outcome[] | undefined => read(outcomes, json);

function read<T>(schema: z.ZodType<T>, json: string): T | undefined {
  try {
    const result = schema.safeParse(JSON.parse(json));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

/** [EW4] 22 characters, the same everywhere; nobody's text stays nobody's. */
export function pseudonymOf(user: string): string {
  return user === "" ? "" : createHash("sha256").update(`copresence:person:${user}`).digest("base64url").slice(0, 22);
}

/** [EW2] */
function withoutPose(event: Extract<PipelineEvent, { kind: "search" }>): typeof event {
  const { describe, from } = event;
  const people = describe?.people.map((person) => ({ ...person, view: rounded(person.view) }));
  return { ...event, from: rounded(from), ...(describe !== undefined && people !== undefined && { describe: { ...describe, people } }) };
}

function rounded(view: Extract<PipelineEvent, { kind: "search" }>["from"]): typeof view {
  if (view === null) return null;
  const { position, rotation } = view;
  const [x = 0, y = 0, z = 0, w = 1] = rotation;
  const yaw = round(Math.atan2(2 * (w * y + x * z), 1 - 2 * (x * x + y * y)), YAW_STEP_RAD);
  const turned = [0, Math.sin(yaw / 2), 0, Math.cos(yaw / 2)];
  return { position: position.map((metres) => round(metres, POSITION_STEP_M)), rotation: turned };
}
const round = (value: number, step: number): number => Math.round(value / step) * step;
