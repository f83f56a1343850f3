/**
 * What an operator asks of a running server, `POST /operator/...` with a JSON body; `npm run scenes -- ... --server URL` does it for them.
 *
 *   export-scene {scene}      -> the scene as a file (store/scene-file.ts)
 *   export-person {user}      -> everything kept about a person
 *   erase-person {user}       -> {done: {...}, left: [sentences]}
 *
 * [OP1] Without COPRESENCE_OPERATOR_KEY the paths do not exist; with it, only `Authorization: Bearer KEY` is answered.
 * [OP2] One at a time: each may read everything that is stored.
 */
import { isIdentifier } from "@copresence/shared/base";
import { type PersonDesk, personJson } from "../person/person-desk.ts";
import { encodeSceneFile } from "../store/scene-file.ts";
import { isAdmin } from "../store/store-admin.ts";
import type { SceneStore } from "../store/scene-store.ts";
import { type HttpReply, type HttpRequest, jsonReply, textReply } from "./http.ts";
import { holdsKey } from "./explain.ts";

export const OPERATOR_PATH = "/operator/";

export type OperatorOptions = {
  readonly operatorKey: string;
  readonly people: PersonDesk;
  readonly store: SceneStore;
  readonly wallClock: () => number;
};

export class OperatorApi {
  private readonly options: OperatorOptions;
  private busy = false;

  constructor(options: OperatorOptions) {
    this.options = options;
  }

  async reply(request: HttpRequest): Promise<HttpReply> {
    if (!holdsKey(this.options.operatorKey, request.header("authorization"))) return fault(401, "This needs the operator's key.");
    if (request.method !== "POST") return fault(405, "Use POST with a JSON body.");
    if (this.busy) return fault(503, "Another of these is under way; try again when it is done.");
    this.busy = true;
    try {
      return await this.answer(request.path.slice(OPERATOR_PATH.length), fieldsOf(request.body));
    } finally {
      this.busy = false;
    }
  }

  private async answer(what: string, { user, scene }: Readonly<Record<string, unknown>>): Promise<HttpReply> {
    const { people, wallClock } = this.options;
    if (what === "export-scene") return isIdentifier(scene) ? this.exportScene(scene) : fault(400, "Send {scene}.");
    if (what !== "export-person" && what !== "erase-person") return fault(404, "There is nothing at this path.");
    if (!isIdentifier(user)) return fault(400, "Send {user}.");
    if (what === "erase-person") {
      const erased = await people.erasePerson(user);
      return erased.ok ? jsonReply(200, erased.value) : fault(409, erased.error);
    }
    const exported = await people.exportPerson(user, wallClock());
    return exported.ok ? textReply(200, personJson(exported.value), JSON_TYPE) : fault(500, exported.error);
  }

  private async exportScene(scene: string): Promise<HttpReply> {
    const { store, wallClock } = this.options;
    if (!isAdmin(store)) return fault(404, "This server's store cannot export scenes.");
    const content = await store.exportScene(scene);
    if (!content.ok) return fault(content.error.code === "unknown" ? 404 : 500, content.error.sentence);
    const body = encodeSceneFile({ scene, exportedMs: wallClock(), content: content.value });
    return { ...textReply(200, "", { "content-type": "application/x-ndjson" }), body };
  }
}

const JSON_TYPE = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };
const fault = (status: number, error: string): HttpReply => jsonReply(status, { error });

function fieldsOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
