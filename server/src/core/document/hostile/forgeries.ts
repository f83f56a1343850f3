/**
 * Hostile updates by somebody who knows Yjs, the scene and every id in the document: well-formed structs through every route to what is protected.
 * Each is one to four structs and some delete ranges, aimed at real elements of the room.
 */
import * as Y from "yjs";
import { encodeUpdate, type Piece, type Range, type Struct } from "../update-bytes.ts";
import type { Dice } from "./dice.ts";
import { ATTACKER_IDS, type HostileRoom, SERVER_ID, VICTIM_ID } from "./hostile-room.ts";

const KEYS = [
  "valve-1",
  "exhibit",
  "safe",
  "plaque-1",
  "n-1",
  "n-2",
  "__proto__",
  "constructor",
  "toString",
  "",
  "objects",
  "copresence",
  "version",
  "label",
  "open",
  "turns",
  "tags",
  "parts",
  "reservedBy",
  "serial",
  "transform",
  "type",
  "colour",
  String(VICTIM_ID),
  String(SERVER_ID),
  "66",
  "67",
  "t",
  "hasOwnProperty",
  "\0",
  "x".repeat(70),
] as const;
const OBJECTS = ["valve-1", "exhibit", "safe", "plaque-1"] as const;
const FIELDS = ["serial", "type", "transform", "reservedBy", "open", "label", "turns", "tags", "parts"] as const;
const VAULT = [6, 1, 6, 0, 0, 0, 1, 1];
const VALUES: readonly unknown[] = [
  true,
  false,
  1,
  -1,
  1e9,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  null,
  undefined,
  "valve",
  "plaque",
  "note",
  "B-2",
  "#ffffff",
  "\u0000",
  "x".repeat(1001),
  VAULT,
  [0, 0, 0, 0, 0, 0, 1, 1],
  [99, 0, 0, 0, 0, 0, 1, 1],
  [1],
  [[[[[[[[[[1]]]]]]]]]],
  { a: 1 },
  { __proto__: { admin: true } },
  new Uint8Array(3),
  JSON.parse('{"__proto__":{"polluted":true}}'),
];
const ROOTS = ["objects", "copresence", "secrets", "", "__proto__"] as const;

/** One forged update. */
export function forge(dice: Dice, room: HostileRoom): Uint8Array {
  return new Forger(dice, room).update();
}

class Forger {
  private readonly dice: Dice;
  private readonly doc: Y.Doc;
  private readonly clocks = new Map<number, number>();
  private readonly made: Y.ID[] = [];
  /** The field the struct at hand is aimed at, so that its content is what the field would take. */
  private aim = "";

  constructor(dice: Dice, room: HostileRoom) {
    this.dice = dice;
    this.doc = room.mirror;
  }

  update(): Uint8Array {
    const { dice } = this;
    if (dice.chance(3)) return this.rewritten();
    const structs: Struct[] = [];
    for (let n = dice.chance(65) ? 1 : 1 + dice.roll(4); n > 0; n--) structs.push(...this.structs());
    const deletes = new Map<number, Range[]>();
    if (dice.chance(35)) for (let n = 1 + dice.roll(3); n > 0; n--) this.range(deletes);
    return encode(dice.chance(8) ? structs.toReversed() : structs, deletes);
  }

  /** The id to write under: mostly the attacker's own next clock; at times a victim's, a repeated or a far one. */
  private id(): Y.ID {
    const { dice } = this;
    const client = dice.chance(85)
      ? dice.pick(ATTACKER_IDS)
      : dice.pick([VICTIM_ID, SERVER_ID, 12_345, 2 ** 32 - 1, ...this.doc.store.clients.keys()]);
    const next = this.clocks.get(client) ?? Y.getState(this.doc.store, client);
    return Y.createID(client, dice.chance(90) ? next : Math.max(0, next - 3 + dice.roll(8)));
  }

  private structs(): Struct[] {
    const { dice } = this;
    const id = this.id();
    const struct = dice.chance(4) ? new Y.GC(id, 1 + dice.roll(4)) : this.item(id);
    this.clocks.set(id.client, Math.max(this.clocks.get(id.client) ?? 0, id.clock + struct.length));
    this.made.push(id);
    return [struct];
  }

  private item(id: Y.ID): Y.Item {
    const [origin, right, parent, key] = this.route();
    return new Y.Item(id, null, origin, null, right, parent as never, key, this.content(key) as never);
  }

  /** Where the struct claims to be: by name, by an element's id, by one neighbour, by two that do not belong together. */
  private route(): [origin: Y.ID | null, right: Y.ID | null, parent: unknown, key: string | null] {
    const { dice } = this;
    this.aim = "";
    switch (dice.roll(8)) {
      case 0:
        return [null, null, dice.pick(ROOTS), dice.chance(90) ? dice.pick(KEYS) : null];
      case 1:
      case 2:
        return [null, null, this.someId(), dice.chance(70) ? dice.pick(KEYS) : null];
      case 3: {
        // On top of a protected entry as an honest overwrite is written, or of one of its older values.
        this.aim = dice.pick(FIELDS);
        const entry = this.entry(dice.pick(OBJECTS), this.aim);
        const under = dice.chance(30) ? (entry?.left ?? entry) : entry;
        return under === undefined
          ? [null, null, this.objectItem(dice.pick(OBJECTS))?.id ?? this.someId(), this.aim]
          : [under.lastId, null, null, null];
      }
      case 4:
        return [this.someId(), this.someId(), null, null];
      case 5:
        return [null, this.someId(), null, null];
      case 6: {
        const map = this.objectItem(dice.pick(OBJECTS));
        this.aim = dice.chance(70) ? dice.pick(FIELDS) : dice.pick(KEYS);
        return [null, null, map?.id ?? this.someId(), this.aim];
      }
      default: {
        // Into a container of a protected object.
        const container = this.entry(dice.pick(["valve-1", "exhibit", "safe"]), dice.pick(["label", "tags", "turns", "parts"]));
        const inside = container?.content instanceof Y.ContentType ? container.content.type : undefined;
        const neighbour = inside?._start ?? [...(inside?._map.values() ?? [])][0];
        return dice.chance(50) && neighbour != null
          ? [neighbour.lastId, null, null, null]
          : [null, null, container?.id ?? this.someId(), dice.chance(50) ? dice.pick(KEYS) : null];
      }
    }
  }

  private content(key: string | null): unknown {
    const { dice } = this;
    const any = (): unknown => new Y.ContentAny(dice.chance(90) ? [dice.pick(VALUES)] : [dice.pick(VALUES), dice.pick(VALUES)]);
    if (dice.chance(70)) {
      if (this.aim === "open") return new Y.ContentAny([dice.chance(50)]);
      if (this.aim === "reservedBy" || this.aim === "serial") return new Y.ContentAny([dice.pick(["mallory", "B-2", ""])]);
    }
    if (key === "type") return new Y.ContentAny([dice.pick(["valve", "plaque", "note", "__proto__", 1])]);
    if (key === "transform") return new Y.ContentAny([dice.pick([VAULT, [0, 0, 0, 0, 0, 0, 1, 1], [99, 0, 0, 0, 0, 0, 1, 1], "x"])]);
    switch (dice.roll(12)) {
      case 0:
        return new Y.ContentString(dice.pick(["a", "bcd", "\u0000", "\ud800x"]));
      case 1:
        return new Y.ContentType(dice.pick([() => new Y.Map(), () => new Y.Map(), () => new Y.Text(), () => new Y.Array()])() as never);
      case 2:
        return new Y.ContentType(dice.pick([() => new Y.XmlText(), () => new Y.XmlFragment(), () => new Y.XmlElement("script")])() as never);
      case 3:
        return new Y.ContentDeleted(1 + dice.roll(4));
      case 4:
        return new Y.ContentFormat(dice.pick(["bold", "__proto__", "constructor"]), (dice.pick(VALUES.slice(0, 12)) ?? null) as never);
      case 5:
        return dice.pick([() => new Y.ContentEmbed({ a: 1 }), () => new Y.ContentBinary(new Uint8Array(3)), () => new Y.ContentJSON([1])])();
      case 6:
        return new Y.ContentDoc(new Y.Doc({ guid: "x" }) as never);
      default:
        return any();
    }
  }

  /** Some element: of the document, of this update, or of nobody. */
  private someId(): Y.ID {
    const { dice } = this;
    if (this.made.length > 0 && dice.chance(30)) return dice.pick(this.made);
    const client = dice.pick([...this.doc.store.clients.keys(), 99]);
    const state = Y.getState(this.doc.store, client);
    return Y.createID(client, dice.chance(97) && state > 0 ? dice.roll(state) : state + dice.roll(3));
  }

  private objectItem(id: string): Y.Item | undefined {
    return this.doc.getMap("objects")._map.get(id);
  }

  private entry(object: string, field: string): Y.Item | undefined {
    const content = this.objectItem(object)?.content;
    return content instanceof Y.ContentType ? content.type._map.get(field) : undefined;
  }

  private range(into: Map<number, Range[]>): void {
    const { dice } = this;
    const protectedItem = dice.chance(40)
      ? this.entry(dice.pick(["valve-1", "exhibit", "safe", "plaque-1"]), dice.pick(["serial", "type", "transform", "label", "turns", "tags"]))
      : undefined;
    const meta = this.doc.getMap("copresence")._map.get("version");
    const id =
      dice.chance(5) && meta !== undefined
        ? meta.id
        : dice.chance(6)
          ? (this.objectItem(dice.pick(["exhibit", "safe"]))?.id ?? this.someId())
          : (protectedItem?.lastId ?? this.someId());
    const list = into.get(id.client) ?? [];
    list.push({ clock: id.clock, len: 1 + (dice.chance(70) ? 0 : dice.roll(6)) });
    into.set(id.client, list);
  }

  /** A struct the room has, sent again from a little before its end, with other content and other neighbours. */
  private rewritten(): Uint8Array {
    const { dice } = this;
    const client = dice.pick([...ATTACKER_IDS, VICTIM_ID, SERVER_ID]);
    const state = Y.getState(this.doc.store, client);
    const clock = Math.max(0, state - 1 - dice.roll(4));
    const length = state - clock + 1 + dice.roll(4);
    const content = dice.pick([
      () => new Y.ContentString("z".repeat(length)),
      () => new Y.ContentDeleted(length),
      () => new Y.ContentAny(Array.from({ length }, () => dice.pick(VALUES))),
    ])();
    const [origin, right, parent, key] = this.route();
    return encode([new Y.Item(Y.createID(client, clock), null, origin, null, right, parent as never, key, content as never)], new Map());
  }
}

function encode(structs: readonly Struct[], deletes: ReadonlyMap<number, readonly Range[]>): Uint8Array {
  const pieces = new Map<number, Piece[]>();
  for (const struct of structs) pieces.set(struct.id.client, [...(pieces.get(struct.id.client) ?? []), { struct, offset: 0 }]);
  try {
    return encodeUpdate(pieces, deletes);
  } catch {
    // Some combinations cannot even be written down; an empty update takes their place.
    return new Uint8Array([0, 0]);
  }
}
