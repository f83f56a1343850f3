/** What a scene document sends: registry messages to SDK peers, raw y-protocols bytes to stock ones. */
import type { SessionId } from "@copresence/shared/base";
import { type DownMessage, encodeMessage } from "@copresence/shared/protocol";
import type { CoreEffect } from "../types.ts";
import type { DocSession } from "./doc-session.ts";

export function sdkMessage(session: SessionId, down: DownMessage): CoreEffect {
  return { kind: "send", session, bytes: encodeMessage(down), droppable: false };
}

export class DocOutbound {
  private readonly sessions: ReadonlyMap<SessionId, DocSession>;

  constructor(sessions: ReadonlyMap<SessionId, DocSession>) {
    this.sessions = sessions;
  }

  /** `body` is a y-protocols message. */
  toPeer(session: DocSession, body: Uint8Array): CoreEffect {
    if (session.peer === "stock") return { kind: "sendDoc", session: session.id, bytes: body };
    return sdkMessage(session.id, { type: "syncDown", body });
  }

  /** One encoding per kind of peer, shared by all of that kind: nobody writes into an effect's bytes. */
  toOthers(author: SessionId | undefined, body: Uint8Array): CoreEffect[] {
    let wrapped: Uint8Array | undefined;
    const effects: CoreEffect[] = [];
    for (const { id, peer } of this.sessions.values()) {
      if (id === author) continue;
      if (peer === "stock") effects.push({ kind: "sendDoc", session: id, bytes: body });
      else effects.push({ kind: "send", session: id, bytes: (wrapped ??= encodeMessage({ type: "syncDown", body })), droppable: false });
    }
    return effects;
  }

  toSdk(down: DownMessage): CoreEffect[] {
    const bytes = encodeMessage(down);
    const sdk = [...this.sessions.values()].filter(({ peer }) => peer === "sdk");
    return sdk.map(({ id }): CoreEffect => ({ kind: "send", session: id, bytes, droppable: false }));
  }
}
