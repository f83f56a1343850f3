/**
 * Attacks on the room's time: each grows something by edits that are allowed, then strikes where Yjs has to walk over, cut or delete all of it.
 * Every update on the way is an attack of its own: refused or not, none may hold the thread.
 */
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { encodeUpdate, type Piece, type Range, type Struct } from "../update-bytes.ts";
import type { HostileRoom } from "./hostile-room.ts";

const [LOW, HIGH, THIRD] = [66, 67, 65] as const;
/** ClientIDs for attacks that outlive one: one takes only so many structs. */
const FRESH = 200;
const BLOCK = 1000;

export type HeavyAttack = { readonly name: string; readonly updates: (room: HostileRoom, scale: number) => Iterable<Uint8Array> };

/** `scale` 1 is the full attack; tests use less. */
export const HEAVY: readonly HeavyAttack[] = [
  { name: "clock squat", updates: squat },
  { name: "20 000 clientIDs", updates: inventedClients },
  { name: "depth 4 000", updates: nesting },
  { name: "gap flood", updates: gaps },
  { name: "V2 merge bomb", updates: mergeBomb },
  { name: "subdocuments", updates: subdocuments },
  { name: "concurrent siblings in a text", updates: (room, scale) => siblings(room, scale, null) },
  { name: "history of a map entry", updates: (room, scale) => siblings(room, scale, "open") },
  { name: "each before the one that went past everything", updates: wedge },
  { name: "cuts in a long list of structs", updates: cuts },
  { name: "an object of many pieces, deleted", updates: deletion },
  { name: "marks in a text", updates: marks },
  { name: "continuation with an unknown neighbour", updates: continuation },
];

function* squat(room: HostileRoom): Iterable<Uint8Array> {
  for (const client of [10, 1]) yield encode([new Y.GC(Y.createID(client, Y.getState(room.mirror.store, client)), 1000)]);
}

function* inventedClients(): Iterable<Uint8Array> {
  yield encode(Array.from({ length: 20_000 }, (_, i) => new Y.GC(Y.createID(1_000_000 + i, 0), 1)));
  for (let n = 0; n < 20; n++) yield encode(Array.from({ length: 64 }, (_, i) => new Y.GC(Y.createID(2_000_000 + n * 64 + i, 0), 1)));
}

function* nesting(room: HostileRoom): Iterable<Uint8Array> {
  for (const code of [117, 118]) {
    const deep = encoding.createEncoder();
    for (const byte of [1, 1, LOW, 0, 0x28, 0, 1]) encoding.writeUint8(deep, byte);
    encoding.writeVarString(deep, "x");
    encoding.writeVarUint(deep, 1);
    for (let i = 0; i < 16_000; i++) {
      encoding.writeUint8(deep, code);
      encoding.writeVarUint(deep, 1);
      if (code === 118) encoding.writeVarString(deep, "a");
    }
    yield encoding.toUint8Array(deep);
  }
  const types: Struct[] = [];
  for (let i = 0, clock = Y.getState(room.mirror.store, LOW); i < BLOCK; i++, clock++) {
    types.push(
      item(LOW, clock, { parent: i === 0 ? "objects" : Y.createID(LOW, clock - 1), key: "deep", content: new Y.ContentType(new Y.Map() as never) }),
    );
  }
  yield encode(types);
}

function* gaps(): Iterable<Uint8Array> {
  for (let i = 0; i < BLOCK; i++) yield encode([new Y.GC(Y.createID(LOW, 1_000_000 + i * 2), 1)]);
}

function* mergeBomb(room: HostileRoom): Iterable<Uint8Array> {
  yield Y.encodeStateAsUpdateV2(room.mirror);
  // The reported bomb: a few bytes that announce more structs than there are.
  yield Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0);
  yield Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 0x0f, LOW, 0);
  yield Uint8Array.of(0, 1, LOW, 0xff, 0xff, 0xff, 0xff, 0x0f);
}

function* subdocuments(room: HostileRoom): Iterable<Uint8Array> {
  const start = Y.getState(room.mirror.store, LOW);
  yield encode(
    Array.from({ length: BLOCK }, (_, i) =>
      item(LOW, start + i, { parent: "objects", key: `d${i}`, content: new Y.ContentDoc(new Y.Doc({ guid: "x" }) as never) }),
    ),
  );
}

/** Thousands of elements with the same neighbours under one id, then a thousand under a higher id: each walks over all of the former. */
function* siblings(room: HostileRoom, scale: number, key: string | null): Iterable<Uint8Array> {
  const parent = key === null ? entryOf(room, "label") : mapOf(room);
  const content = (): unknown => (key === null ? new Y.ContentString("a") : new Y.ContentAny([true]));
  for (let block = 0; block < 16 * scale; block++) yield key === null ? prepended(room, LOW, parent, "a") : rewritten(room, parent, key);
  for (const size of [BLOCK, BLOCK / 2, BLOCK / 4, BLOCK / 10, 20, 5]) {
    const start = Y.getState(room.mirror.store, HIGH);
    yield encode(Array.from({ length: size }, (_, i) => item(HIGH, start + i, { parent, key, content: content() })));
  }
}

/** The first goes past everything a lower client wrote; each of the others names it, or the one before, as its right neighbour. */
function* wedge(room: HostileRoom, scale: number): Iterable<Uint8Array> {
  const texts = newNote(room, LOW, "wedged");
  yield texts.update;
  for (let block = 0; block < 15 * scale; block++) yield prepended(room, LOW, texts.label, "a");
  for (const size of [BLOCK, BLOCK / 4, 20, 5]) {
    const start = Y.getState(room.mirror.store, HIGH);
    const at = { parent: texts.label, key: null, content: new Y.ContentString("b") };
    yield encode(Array.from({ length: size }, (_, i) => item(HIGH, start + i, i === 0 ? at : { ...at, right: Y.createID(HIGH, start + i - 1) })));
  }
}

/** A block of structs that Yjs can never join, each put before the one before: cheap to place, and in the way of everybody else. */
function prepended(room: HostileRoom, client: number, parent: Y.ID, text: string): Uint8Array {
  const start = Y.getState(room.mirror.store, client);
  const container = Y.getItem(room.mirror.store, parent);
  const head = container instanceof Y.Item && container.content instanceof Y.ContentType ? container.content.type._start : null;
  return encode(
    Array.from({ length: BLOCK }, (_, i) => {
      const right = i === 0 ? head?.id : Y.createID(client, start + (i - 1) * text.length);
      const at = { parent, key: null, content: new Y.ContentString(text) };
      return item(client, start + i * text.length, right === undefined ? at : { ...at, right });
    }),
  );
}

/** A block of overwrites of one entry by two clients in turn, so that no two of them become one. */
function rewritten(room: HostileRoom, map: Y.ID, key: string): Uint8Array {
  const clocks = new Map([LOW, THIRD].map((client) => [client, Y.getState(room.mirror.store, client)]));
  const container = Y.getItem(room.mirror.store, map);
  let origin = container instanceof Y.Item && container.content instanceof Y.ContentType ? container.content.type._map.get(key)?.lastId : undefined;
  const items = Array.from({ length: BLOCK }, (_, i) => {
    const client = i % 2 === 0 ? LOW : THIRD;
    const clock = clocks.get(client) ?? 0;
    clocks.set(client, clock + 1);
    const at = { parent: map, key, content: new Y.ContentAny([i % 4 < 2]) };
    const made = item(client, clock, origin === undefined ? at : { ...at, origin });
    origin = Y.createID(client, clock);
    return made;
  });
  return encode(items);
}

/** Structs that never become one, then a thousand deletions that each cut one in three at the beginning of the list. */
function* cuts(room: HostileRoom, scale: number): Iterable<Uint8Array> {
  for (let note = 0; note < 12 * scale; note++) {
    const texts = newNote(room, LOW, `cut-${note}`);
    yield texts.update;
    for (let block = 0; block < 5; block++) yield prepended(room, LOW, texts.label, "abc");
  }
  const ranges = Array.from({ length: BLOCK }, (_, i) => ({ clock: 100 + i * 3, len: 1 }));
  yield encode([], new Map([[LOW, ranges]]));
}

function* deletion(room: HostileRoom, scale: number): Iterable<Uint8Array> {
  const maps: Y.ID[] = [];
  for (let note = 0; note < 4 * scale; note++) {
    const texts = newNote(room, FRESH + note, `many-${note}`);
    yield texts.update;
    maps.push(texts.map);
    for (let block = 0; block < 16; block++) yield prepended(room, FRESH + note, texts.label, "a");
  }
  yield encode([], new Map(maps.map(({ client, clock }) => [client, [{ clock, len: 1 }]])));
  for (const { client, clock } of maps) yield encode([], new Map([[client, [{ clock, len: 1 }]]]));
}

/** Marks that begin and end everywhere in a text; Yjs tidies them up after every change. */
function* marks(room: HostileRoom, scale: number): Iterable<Uint8Array> {
  const texts = newNote(room, LOW, "marked");
  yield texts.update;
  for (let block = 0; block < 12 * scale; block++) {
    const start = Y.getState(room.mirror.store, LOW);
    yield encode(
      Array.from({ length: BLOCK }, (_, i) => {
        const content = i % 2 === 0 ? new Y.ContentFormat(`mark-${i % 64}`, i as never) : new Y.ContentString("a");
        const at = { parent: texts.label, key: null, content };
        return item(LOW, start + i, i === 0 && block === 0 ? at : { ...at, origin: Y.createID(LOW, start + i - 1) });
      }),
    );
  }
  for (let block = 0; block < 2; block++) {
    const start = Y.getState(room.mirror.store, HIGH);
    yield encode(
      Array.from({ length: BLOCK }, (_, i) =>
        item(HIGH, start + i, { parent: texts.label, key: null, content: new Y.ContentFormat(`mark-${i % 64}`, null as never) }),
      ),
    );
  }
}

/** A struct that goes on where a known one ends, with a right neighbour that nobody has: it would wait in Yjs for ever. */
function* continuation(room: HostileRoom): Iterable<Uint8Array> {
  const texts = newNote(room, LOW, "continued");
  yield texts.update;
  const start = Y.getState(room.mirror.store, LOW);
  yield encode([item(LOW, start, { parent: texts.label, key: null, content: new Y.ContentString("ab") })]);
  yield encode([item(LOW, start, { parent: texts.label, key: null, content: new Y.ContentString("abcd"), right: Y.createID(99, 5) })]);
}

type At = { readonly parent: unknown; readonly key: string | null; readonly content: unknown; readonly origin?: Y.ID; readonly right?: Y.ID };
function item(client: number, clock: number, { parent, key, content, origin, right }: At): Y.Item {
  return new Y.Item(Y.createID(client, clock), null, origin ?? null, null, right ?? null, parent as never, key, content as never);
}

function newNote(room: HostileRoom, client: number, id: string): { readonly update: Uint8Array; readonly map: Y.ID; readonly label: Y.ID } {
  const clock = Y.getState(room.mirror.store, client);
  const [map, label] = [Y.createID(client, clock), Y.createID(client, clock + 1)];
  const update = encode([
    item(client, clock, { parent: "objects", key: id, content: new Y.ContentType(new Y.Map() as never) }),
    item(client, clock + 1, { parent: map, key: "label", content: new Y.ContentType(new Y.Text() as never) }),
    item(client, clock + 2, { parent: map, key: "type", content: new Y.ContentAny(["note"]) }),
  ]);
  return { update, map, label };
}

const mapOf = (room: HostileRoom): Y.ID => (room.mirror.getMap("objects")._map.get("valve-1") as Y.Item).id;
const entryOf = (room: HostileRoom, field: string): Y.ID => {
  const map = room.mirror.getMap<Y.Map<unknown>>("objects").get("valve-1") as Y.Map<unknown>;
  return (map._map.get(field) as Y.Item).id;
};

function encode(structs: readonly Struct[], deletes: ReadonlyMap<number, readonly Range[]> = new Map()): Uint8Array {
  const pieces = new Map<number, Piece[]>();
  for (const struct of structs) {
    const list = pieces.get(struct.id.client);
    if (list === undefined) pieces.set(struct.id.client, [{ struct, offset: 0 }]);
    else list.push({ struct, offset: 0 });
  }
  return encodeUpdate(pieces, deletes);
}
