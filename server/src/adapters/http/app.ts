/**
 * The HTTP side, the same on both transports: matchmaking, development tickets, health, metrics, the demo's files.
 *
 * [AP1] The Origin allow-list holds for everything that lets somebody in; a refused page may read the refusal, nothing else.
 * [AP2] Colyseus's own endpoints do not exist: one method (`joinOrCreate`), one room name (`space`).
 * [AP3] Answers never echo what was sent.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import { LIMITS } from "@copresence/shared/protocol";
import type { DevTicketIssuer } from "../auth/dev-tickets.ts";
import type { OriginPolicy } from "../auth/origins.ts";
import { ROOM_NAME } from "../colyseus/space-room.ts";
import type { Entrance } from "../colyseus/entrance.ts";
import type { PipelineHealth } from "../../pipeline/types.ts";
import { errorFields, type Logger } from "../log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { type Refusal, refusal } from "../refusal.ts";
import { EXPLAIN_PATH, type Explains, explainReply } from "./explain.ts";
import { type HttpHandler, type HttpReply, type HttpRequest, jsonReply, refusalReply, textReply } from "./http.ts";
import { MODERATION_PATH, type ModerationApi } from "./moderation.ts";
import { OPERATOR_PATH, type OperatorApi } from "./operator.ts";
import type { StaticFiles } from "./static-files.ts";

export type Health = {
  readonly region: string;
  readonly build: string;
  readonly version: string;
  readonly protocol: number;
  readonly transport: string;
};

export type AppOptions = {
  readonly entrance: Entrance;
  readonly origins: OriginPolicy;
  readonly devTickets: DevTicketIssuer | undefined;
  readonly files: StaticFiles | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly health: () => Health;
  /** What keeps the server from taking joins; empty when it is ready. */
  readonly unready: () => readonly string[];
  /** Undefined: no key is set, and there is nothing to ask. */
  readonly explains: Explains | undefined;
  readonly moderation?: ModerationApi | undefined;
  /** Undefined: no key is set. */
  readonly operator: OperatorApi | undefined;
  /** The side pipeline's state, for /readyz: with a degraded one the server still takes people, and says so. */
  readonly pipeline: () => PipelineHealth;
};

const JOIN_PATH = `/matchmake/joinOrCreate/${ROOM_NAME}`;
const PREFLIGHT_SECONDS = "600";

export function httpApp(options: AppOptions): HttpHandler {
  return async (request) => {
    try {
      return await route(options, request);
    } catch (error) {
      options.log.error(errorFields(error), "an HTTP handler failed");
      return refusalReply(refusal("roomFailed", "The server could not handle this request."));
    }
  };
}

async function route(options: AppOptions, request: HttpRequest): Promise<HttpReply> {
  const { method, path } = request;
  if (path.startsWith(MODERATION_PATH) && options.moderation !== undefined) return options.moderation.reply(request);
  if (path.startsWith("/matchmake/") || path === "/dev/ticket") return entry(options, request);
  if (path.startsWith(OPERATOR_PATH) && options.operator !== undefined) return options.operator.reply(request);
  if (method !== "GET" && method !== "HEAD") return textReply(405, "Only GET is answered here.\n", { allow: "GET, HEAD" });
  if (path === EXPLAIN_PATH && options.explains !== undefined) return explainReply(options.explains, request);
  switch (path) {
    case "/healthz":
      return jsonReply(200, { status: "ok", ...options.health() });
    case "/readyz": {
      const unready = options.unready();
      return jsonReply(unready.length === 0 ? 200 : 503, { ready: unready.length === 0, unready, pipeline: pipelineState(options.pipeline()) });
    }
    case "/metrics":
      return textReply(200, await options.metrics.registry.metrics(), { "content-type": options.metrics.registry.contentType });
    default:
      return options.files?.reply(request) ?? notFound(options, path);
  }
}

function pipelineState({ state, mode, lagMs, runtime }: PipelineHealth) {
  return { state, degraded: state === "degraded", mode, lagMs: Math.round(lagMs), runtime };
}

function notFound(options: AppOptions, path: string): HttpReply {
  if (path === "/" && options.files === undefined) {
    return textReply(200, "This is a copresence server. No demo build is served here; /healthz tells about the server.\n");
  }
  return textReply(404, "There is nothing at this path.\n");
}

/** The endpoints that lead into a space, callable by pages of the allowed origins. */
async function entry(options: AppOptions, request: HttpRequest): Promise<HttpReply> {
  const origin = request.header("origin");
  // A refused page gets this too: it can then show the sentence instead of a bare network error. There are no cookies to protect.
  const cors = origin === undefined ? {} : { "access-control-allow-origin": origin, vary: "origin" };
  if (request.method === "OPTIONS") return preflight(cors);
  const answer = options.origins.allows(origin) ? await admit(options, request) : err(refusal("originRefused"));
  if (answer.ok) return jsonReply(200, answer.value, cors);
  options.metrics.refused(answer.error.name);
  return refusalReply(answer.error, cors);
}

const preflight = (cors: Readonly<Record<string, string>>): HttpReply => ({
  status: 204,
  headers: {
    ...cors,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "content-type, authorization",
    "access-control-max-age": PREFLIGHT_SECONDS,
  },
  body: "",
});

async function admit(options: AppOptions, request: HttpRequest): Promise<Result<unknown, Refusal>> {
  const { entrance, devTickets } = options;
  if (request.path === "/dev/ticket" && devTickets === undefined) {
    return err(refusal("ticketMissing", "This server issues no development tickets; ask your application's ticket issuer for one."));
  }
  if (request.path !== "/dev/ticket" && request.path !== JOIN_PATH) {
    return err(refusal("spaceUnknown", `Join with POST ${JOIN_PATH}; there is nothing else to match-make.`));
  }
  if (request.method !== "POST") return err(refusal("malformedMessage", "Use POST with a JSON body."));
  const json = parseJson(request.body);
  if (!json.ok) return json;
  if (request.path === "/dev/ticket" && devTickets !== undefined) return devTickets.issue(json.value);
  return entrance.seat({ space: json.value["space"], protocol: json.value["protocol"], ticket: bearer(request.header("authorization")) });
}

/** A JSON object; everything else is refused. Only named fields are read from it, so its prototype does not matter. */
function parseJson(body: Uint8Array): Result<Readonly<Record<string, unknown>>, Refusal> {
  if (body.length > LIMITS.bodyBytes) return err(refusal("messageTooLarge"));
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return ok(value as Record<string, unknown>);
  } catch {
    // Falls through: not UTF-8 or not JSON is as malformed as not an object.
  }
  return err(refusal("malformedMessage", "The request's body must be a JSON object."));
}

function bearer(authorization: string | undefined): string | undefined {
  return authorization !== undefined && authorization.startsWith("Bearer ") ? authorization.slice("Bearer ".length) : undefined;
}
