/**
 * One generation of a document takes the place of another, with people in the room (scene-document.ts, [SE7]; renewal.ts).
 * Stock peers cannot begin anew by themselves: they are closed for good, and so is every replica of an earlier generation that comes back.
 */
import { assert, type SessionId } from "@copresence/shared/base";
import type { PermissionTable, Scene } from "@copresence/shared/scene";
import { hash32 } from "../palette.ts";
import type { CoreEffect } from "../types.ts";
import { type DocOutbound, sdkMessage } from "./doc-outbound.ts";
import type { DocSession } from "./doc-session.ts";
import { encodePermissionDenied, encodeStep1 } from "./doc-wire.ts";
import { DocumentRoot } from "./document-root.ts";
import type { Intake } from "./intake.ts";
import type { Rerooted } from "./renewal.ts";
import { retiredWith } from "./retired-clients.ts";
import type { Settlement } from "./settlement.ts";
import { encodeVector } from "./update-bytes.ts";

type Parts = {
  readonly scene: Scene;
  readonly permissions: PermissionTable;
  readonly intake: Intake;
  readonly sessions: ReadonlyMap<SessionId, DocSession>;
  readonly out: DocOutbound;
  readonly settlement: Settlement;
};

export class Succession {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** The store has made a fresh generation. */
  prepare(fresh: Rerooted): CoreEffect[] {
    const { scene, permissions, intake } = this.parts;
    const { epoch, root: rootClient } = fresh;
    // The room writes under another id, too: its old one is retired with the old generation.
    const clientId = hash32(`epoch-${epoch}`, intake.root.clientId) || 1;
    intake.renewal.built(new DocumentRoot({ scene, epoch, clientId, permissions, retired: retiredWith(intake.root), rootClient }), fresh);
    return [];
  }

  /** Takes a slice; when that was the last, the fresh generation is in charge and everybody is told. Undefined before. */
  tick(): CoreEffect[] | undefined {
    const { intake, sessions, settlement } = this.parts;
    const next = intake.renewal.slice();
    if (next === undefined) return undefined;
    const ready = next.ready(new Map());
    assert(ready.ok, "a fresh generation is whole");
    intake.root.doc.destroy();
    intake.root = next;
    settlement.epoch = next.epoch;
    const client = next.rootClient ?? 0;
    const clocks = [{ client, clock: next.pending.end(client) }];
    const effects: CoreEffect[] = [{ kind: "count", metric: "rerooted", by: 1 }];
    for (const session of sessions.values()) {
      if (session.peer === "stock") {
        effects.push(...this.outdated(session));
        continue;
      }
      session.stale = "renewed";
      session.ignored = session.asked = false;
      effects.push(sdkMessage(session.id, { type: "ack", epoch: next.epoch, updates: 0, level: "disk", clocks }));
    }
    return effects;
  }

  /** Nothing came of a re-rooting: whoever sent edits meanwhile is asked for them. */
  resume(): CoreEffect[] {
    const { intake, sessions, out, settlement } = this.parts;
    if (!intake.renewal.active) return [];
    intake.renewal.cancel();
    const ask = encodeStep1(encodeVector(intake.root.pending.vector()));
    const ignored = [...sessions.values()].filter((session) => session.ignored);
    return ignored.flatMap((session) => {
      session.ignored = false;
      session.asked = true;
      return [out.toPeer(session, ask), ...settlement.settle(session, session.received)];
    });
  }

  /** A replica of an earlier generation that cannot begin anew by itself. */
  outdated({ id }: DocSession): CoreEffect[] {
    return [
      { kind: "sendDoc", session: id, bytes: encodePermissionDenied("document-renewed") },
      { kind: "close", session: id, reason: "documentRenewed" },
    ];
  }
}
