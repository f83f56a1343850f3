import type { SessionId } from "@copresence/shared/base";
import { createObject, defaultRoles, defineScene, t, textField } from "@copresence/shared/scene";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import type { CoreEffect } from "../types.ts";
import { Broadcasts, type ToldEdit } from "./broadcasts.ts";
import { decodeDocMessage } from "./doc-wire.ts";
import { PendingIndex } from "./pending-index.ts";
import { readUpdate } from "./update-reader.ts";

const scene = defineScene({
  name: "notes",
  version: 1,
  bounds: { min: [-1, -1, -1], max: [1, 1, 1] },
  roles: defaultRoles,
  objects: { note: { label: t.text(), open: t.lww(t.boolean()) } },
});
const session = (name: string): SessionId => name as SessionId;
const [ANN, BOB] = [session("ann"), session("bob")];

/** Who is sent what: the author left out, and the update. */
type Sent = { readonly except: SessionId | undefined; readonly update: Uint8Array };

class Room {
  readonly sent: Sent[] = [];
  readonly sessions = new Map([ANN, BOB].map((id) => [id, { synced: 1 }]));
  readonly broadcasts = new Broadcasts(
    {
      toOthers: (except, body) => {
        const message = decodeDocMessage(body);
        if (!message.ok || message.value.kind !== "update") throw new Error("no update was sent");
        this.sent.push({ except, update: message.value.update });
        return [] as CoreEffect[];
      },
    },
    this.sessions,
  );
}

/** What the gate makes of updates that follow each other. */
class Author {
  readonly doc = new Y.Doc();
  private readonly room = new Y.Doc();
  private readonly id: SessionId;
  readonly edits: ToldEdit[] = [];

  constructor(id: SessionId, client: number) {
    this.id = id;
    this.doc.clientID = client;
    this.doc.on("update", (update: Uint8Array, _origin: unknown, _doc: Y.Doc, { local }: Y.Transaction) => {
      if (local) this.edits.push(this.judged(update));
    });
  }

  hear(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update);
    Y.applyUpdate(this.room, update);
  }

  private judged(update: Uint8Array): ToldEdit {
    const read = readUpdate(update, this.room, new PendingIndex(this.room));
    if (!read.ok) throw new Error(read.error);
    Y.applyUpdate(this.room, update);
    return { record: { update }, pieces: read.value.pieces, ranges: read.value.ranges, session: this.id, synced: 1 };
  }
}

function typed(author: Author, note: string): void {
  createObject(author.doc, scene, "note", note, { open: true });
  const label = textField(author.doc, note, "label");
  for (const [at, letter] of [...note].entries()) label?.insert(at, letter);
  label?.delete(1, 2);
}

describe("Broadcasts", () => {
  it("[BC1] leaves out who wrote all of it, nobody when there are two authors, and nobody whose replica began anew", () => {
    const room = new Room();
    const [ann, bob] = [new Author(ANN, 1), new Author(BOB, 2)];
    typed(ann, "from-ann");
    typed(bob, "from-bob");
    room.broadcasts.add(ann.edits, false, 0);
    room.broadcasts.add([...ann.edits, ...bob.edits], false, 0);
    room.sessions.set(ANN, { synced: 2 });
    room.broadcasts.add(ann.edits, false, 0);
    room.sessions.delete(BOB);
    room.broadcasts.add(bob.edits, false, 0);
    expect(room.sent.map(({ except }) => except)).toEqual([ANN, undefined, undefined, undefined]);
  });

  it("[BC1] sends a single edit as it was judged", () => {
    const room = new Room();
    const ann = new Author(ANN, 1);
    createObject(ann.doc, scene, "note", "n");
    room.broadcasts.add(ann.edits, false, 0);
    expect(room.sent[0]?.update).toEqual(ann.edits[0]?.record.update);
  });

  it("[BC3] holds back while another batch is at the disk, but not for long, and not what nothing follows", () => {
    const room = new Room();
    const ann = new Author(ANN, 1);
    typed(ann, "abcdefgh");
    const [first, second, third, ...rest] = ann.edits as [ToldEdit, ToldEdit, ToldEdit, ...ToldEdit[]];
    room.broadcasts.add([first], true, 100);
    room.broadcasts.add([second], true, 103.9);
    expect(room.sent).toEqual([]);
    room.broadcasts.add([third], true, 104);
    expect(room.sent).toHaveLength(1);
    room.broadcasts.add(rest, true, 105);
    expect(room.sent).toHaveLength(1);
    room.broadcasts.add([], false, 106);
    expect(room.sent).toHaveLength(2);
    room.broadcasts.flush();
    room.broadcasts.add([], false, 107);
    expect(room.sent).toHaveLength(2);
  });

  it("[BC2] what arrives is what was written, however it is cut into messages and whoever answered whom", () => {
    const change = fc.record({ bob: fc.boolean(), at: fc.nat(50), cut: fc.nat(3), words: fc.string({ maxLength: 5 }), more: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const room = new Room();
        const [ann, bob] = [new Author(ANN, 1), new Author(BOB, 2)];
        createObject(ann.doc, scene, "note", "n", { label: "hello" });
        for (const { record } of ann.edits) bob.hear(record.update);
        room.broadcasts.add(ann.edits, true, 0);
        for (const { bob: isBob, at, cut, words, more } of changes) {
          const [writer, other] = isBob ? [bob, ann] : [ann, bob];
          const before = writer.edits.length;
          const label = textField(writer.doc, "n", "label") as Y.Text;
          writer.doc.transact(() => {
            label.insert(at % (label.length + 1), words);
            label.delete(0, Math.min(cut, label.length));
          });
          const made = writer.edits.slice(before);
          for (const { record } of made) other.hear(record.update);
          room.broadcasts.add(made, more, 0);
        }
        room.broadcasts.flush();
        const reader = new Y.Doc();
        for (const { update } of room.sent) {
          Y.applyUpdate(reader, update);
          expect(reader.store.pendingStructs ?? reader.store.pendingDs).toBeNull();
        }
        expect(reader.getMap("objects").toJSON()).toEqual(ann.doc.getMap("objects").toJSON());
        expect(Y.encodeStateVector(reader)).toEqual(Y.encodeStateVector(ann.doc));
      }),
      { numRuns: 60 },
    );
  });
});
