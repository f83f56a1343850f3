/**
 * What the room writes into its document itself: resting places, values that were compared and set, migrations, rollbacks. Through the same
 * queue and in the same order as everybody's edits; the gate indexes them and judges nothing.
 */
import { isMigrated, migrateDocument, type ObjectTransform, packTransform, type Scene, unpackTransform } from "@copresence/shared/scene";
import * as Y from "yjs";
import type { UndoneObject } from "../history/types.ts";
import type { CoreEffect } from "../types.ts";
import { NOBODY } from "./client-registry.ts";
import type { Intake } from "./intake.ts";
import { partialReplica } from "./partial-replica.ts";
import { fieldPlace, idKey, rootPlace } from "./places.ts";
import { writeUndone } from "./undo.ts";
import { encodeMapSet } from "./update-bytes.ts";

export class OwnEdits {
  private readonly scene: Scene;
  private readonly intake: Intake;

  constructor(scene: Scene, intake: Intake) {
    this.scene = scene;
    this.intake = intake;
  }

  /**
   * The one durable write at the end of a hold. [] when the object is gone or has no transform, when the value is not a transform, and while
   * read-only (the caller keeps it). The write may join a later batch: see `SceneDocument.queuedBatch`.
   */
  writeTransform(object: string, transform: ObjectTransform, user: string): CoreEffect[] {
    const value = packTransform(transform);
    if (this.intake.closed || unpackTransform(value) === undefined) return [];
    const { gate } = this.intake.root;
    const map = gate.newestWrite(rootPlace(object));
    return map !== null && gate.policyOf(map, "transform") === "leased" ? this.writeEntry(map, object, "transform", value, user) : [];
  }

  /** One entry of the object whose map is `map`. */
  writeEntry(map: Y.ID, object: string, field: string, value: unknown, user: string): CoreEffect[] {
    const { clientId, gate, pending } = this.intake.root;
    const previous = gate.newestWrite(fieldPlace(object, idKey(map.client, map.clock), field));
    const id = Y.createID(clientId, pending.end(clientId));
    return this.intake.takeOwn(encodeMapSet(id, map, field, previous, value), user);
  }

  /**
   * Brings a document of an older definition up to date, as one edit of the room. Throws a RangeError with a sentence when a migration of the
   * scene fails.
   */
  migrate(): CoreEffect[] {
    if (isMigrated(this.intake.root.doc, this.scene)) return [];
    return this.edit(NOBODY, [(doc) => migrateDocument(doc, this.scene)]);
  }

  /**
   * Undoes what `readPast` found, as edits of the room made for `user`, one update per object. `written` of the objects were changed; all of it
   * is durable with batch `SceneDocument.queuedBatch`.
   */
  rollback(user: string, objects: readonly UndoneObject[]): { readonly effects: CoreEffect[]; readonly written: number } {
    const written = new Set<string>();
    const effects = this.write(
      user,
      () => partialReplica(this.intake.root.doc, new Set(objects.map(({ object }) => object))),
      objects.map((undone) => (doc: Y.Doc) => {
        if (writeUndone(doc, this.scene, undone)) written.add(undone.object);
      }),
    );
    return { effects, written: written.size };
  }

  /**
   * Any other edit by the server (seeding a space, moderation), one update per change, made on a replica that is ahead by what waits for the
   * disk. Costs a copy of the document. [] while read-only, and when nothing changes.
   */
  edit(user: string, changes: readonly ((doc: Y.Doc) => void)[]): CoreEffect[] {
    return this.write(user, () => copyOf(this.intake.root.doc), changes);
  }

  private write(user: string, replica: () => Y.Doc, changes: readonly ((doc: Y.Doc) => void)[]): CoreEffect[] {
    if (this.intake.closed || changes.length === 0) return [];
    const waiting = [...this.intake.queue.all()].map(({ record }) => record.update);
    return this.intake.root.draft(replica(), waiting, changes).flatMap((update) => this.intake.takeOwn(update, user));
  }
}

function copyOf(doc: Y.Doc): Y.Doc {
  const replica = new Y.Doc({ gc: true });
  Y.applyUpdate(replica, Y.encodeStateAsUpdate(doc));
  return replica;
}
