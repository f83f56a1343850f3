/**
 * `GET /debug/explain?space=S&viewer=V[&source=W]`: why a person is sent of others what they are sent, for whoever operates the server.
 * V and W are user ids or slots; without W the answer covers everybody, best first.
 *
 * [EX1] Without COPRESENCE_OPERATOR_KEY the path does not exist; with it, only `Authorization: Bearer KEY` is answered. Whom somebody
 *       looks at, and whom they muted, is nobody else's business.
 * [EX2] Keys are compared in constant time, by digest.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { PersonExplanation } from "../../core/index.ts";
import { type HttpReply, type HttpRequest, jsonReply, textReply } from "./http.ts";

export const EXPLAIN_PATH = "/debug/explain";

export type Explains = {
  /** Undefined for a space that is not open, null for a person who is not in it. */
  readonly people: (space: string, viewer: string, source?: string) => readonly PersonExplanation[] | null | undefined;
  readonly operatorKey: string;
};

export function explainReply({ people, operatorKey }: Explains, request: HttpRequest): HttpReply {
  if (!holdsKey(operatorKey, request.header("authorization")))
    return textReply(401, "This needs the operator's key.\n", { "www-authenticate": "Bearer" });
  const { query } = request;
  const space = query.get("space");
  const viewer = query.get("viewer");
  if (space === null || viewer === null)
    return textReply(400, "Ask with ?space=SPACE&viewer=USER_OR_SLOT, and &source=USER_OR_SLOT for one person.\n");
  const found = people(space, viewer, query.get("source") ?? undefined);
  if (found === undefined) return textReply(404, "No such space is open in this process.\n");
  if (found === null) return textReply(404, "No such person is in the space.\n");
  return jsonReply(200, { people: found.map((each) => ({ ...each, score: Number(each.score.toPrecision(4)) })) });
}

/** [EX2] */
export function holdsKey(key: string, authorization: string | undefined): boolean {
  const given = authorization?.startsWith("Bearer ") === true ? authorization.slice("Bearer ".length) : "";
  return timingSafeEqual(digest(given), digest(key));
}
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
