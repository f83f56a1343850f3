/**
 * The gate: every update passes here before anything is stored, applied or sent on. It decides against the durable document plus what already
 * waits for the disk, and changes neither.
 *
 * [GA1] A refused update leaves no trace: no struct, no clock, no pending storage, no claim on a clientID.
 * [GA2] What is admitted is re-encoded from what was judged (update-bytes.ts).
 * [GA3] An admitted update integrates completely: no gap, no cycle, no unknown parent (update-reader.ts).
 */
import type { SessionId } from "@copresence/shared/base";
import { type FieldPolicy, objectsRoot, type RoleSpec, type Scene } from "@copresence/shared/scene";
import * as Y from "yjs";
import type { Identity } from "../types.ts";
import type { ClientRegistry } from "./client-registry.ts";
import type { PendingIndex } from "./pending-index.ts";
import { idKey, type Place, structAt } from "./places.ts";
import { type Denial, judge, type SceneView } from "./policy.ts";
import { encodeUpdate } from "./update-bytes.ts";
import { type ReadUpdate, readUpdate } from "./update-reader.ts";

export type Author = {
  readonly session: SessionId;
  readonly identity: Identity;
  readonly role: RoleSpec | undefined;
  /** Why nothing can be taken at the moment (read-only, full), told only to those who really change something. */
  readonly room: Denial | undefined;
};
export type Admitted = {
  readonly kind: "admitted";
  readonly update: Uint8Array;
  /** First client the update has structs of, and its next clock afterwards; 0, 0 for pure deletions. */
  readonly client: number;
  readonly clock: number;
  /** Next clocks of every client the update has structs of. */
  readonly clocks: readonly { readonly client: number; readonly clock: number }[];
};
export type Verdict =
  | Admitted
  /** The room has all of it already. */
  | { readonly kind: "nothing" }
  /** Something it builds on is missing: ask with a sync step instead of storing it. */
  | { readonly kind: "gap" }
  /** `forged`: no honest client sends this. */
  | { readonly kind: "refused"; readonly denial: Denial; readonly forged: boolean };

export class Gate {
  private readonly scene: Scene;
  private readonly doc: Y.Doc;
  private readonly pending: PendingIndex;
  private readonly clients: ClientRegistry;
  /** Declared types of objects that wait for the disk, by the `idKey` of their map. */
  private readonly waitingTypes = new Map<string, { readonly object: string; readonly type: string }>();
  /** Live objects of the durable document. */
  objectCount = 0;

  constructor(options: { readonly scene: Scene; readonly doc: Y.Doc; readonly pending: PendingIndex; readonly clients: ClientRegistry }) {
    this.scene = options.scene;
    this.doc = options.doc;
    this.pending = options.pending;
    this.clients = options.clients;
  }

  /** Judges a peer's update; when admitted, it is indexed and must be queued. */
  admit(bytes: Uint8Array, author: Author): Verdict {
    const read = readUpdate(bytes, this.doc, this.pending);
    if (!read.ok) return read.error === "gap" ? { kind: "gap" } : refusedFault(read.error);
    const update = read.value;
    if (update.pieces.size === 0 && update.ranges.size === 0) return { kind: "nothing" };
    const denial = author.room ?? judge(update, this.view(author.role));
    if (denial !== undefined) return { kind: "refused", denial, forged: denial.reason === "malformed" || denial.reason === "client-id" };
    if (!this.clients.claim(author.session, author.identity.user, [...update.pieces.keys()])) {
      const sentence = "The update writes under a client id that is not yours, or you use too many.";
      return { kind: "refused", denial: { reason: "client-id", object: "", field: "", sentence }, forged: true };
    }
    return this.index(update);
  }

  /** Indexes the server's own update, which needs no permission; undefined when it changes nothing. */
  admitOwn(bytes: Uint8Array): Admitted | undefined {
    const read = readUpdate(bytes, this.doc, this.pending);
    if (!read.ok || (read.value.pieces.size === 0 && read.value.ranges.size === 0)) return undefined;
    return this.index(read.value);
  }

  /** Newest write of a map entry, counting what waits; null when there is none. */
  newestWrite(place: Place): Y.ID | null {
    const waiting = this.pending.newestOf(place);
    if (waiting !== undefined) return Y.createID(waiting.client, waiting.clock);
    if (place.at === "root") return objectsRoot(this.doc)._map.get(place.object)?.lastId ?? null;
    return place.at === "object" ? (this.mapOf(place.map)?._map.get(place.field)?.lastId ?? null) : null;
  }

  /** Declared policy of a field of the live object whose map's item is `map`; undefined when there is none. */
  policyOf(map: Y.ID, field: string): FieldPolicy | undefined {
    const key = idKey(map.client, map.clock);
    const type = this.mapOf(key) === undefined && !this.waitingTypes.has(key) ? undefined : this.typeOfMap(key);
    const spec = type === undefined ? undefined : this.scene.objects[type];
    return spec !== undefined && Object.hasOwn(spec, field) ? spec[field]?.policy : undefined;
  }

  /** Called after the oldest `edits` admitted updates were applied: they are in the document now. */
  settled(edits: number): void {
    this.pending.prune(edits);
    for (const map of this.waitingTypes.keys()) if (this.mapOf(map) !== undefined) this.waitingTypes.delete(map);
    for (const [map, { object }] of this.waitingTypes) if (this.pending.newestOf({ at: "root", object }) === undefined) this.waitingTypes.delete(map);
  }

  private index(update: ReadUpdate): Admitted {
    for (const { node, struct } of update.writes) {
      this.pending.add(node);
      const { place } = node;
      if (place.at !== "object" || place.field !== "type" || !(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentAny)) continue;
      this.waitingTypes.set(place.map, { object: place.object, type: String(struct.content.arr[0]) });
    }
    this.pending.addDeletes(update.ranges);
    const clocks = [...update.pieces.keys()].map((client) => ({ client, clock: this.pending.end(client) }));
    const [first = { client: 0, clock: 0 }] = clocks;
    return { kind: "admitted", update: encodeUpdate(update.pieces, update.ranges), ...first, clocks };
  }

  private view(role: RoleSpec | undefined): SceneView {
    return {
      scene: this.scene,
      role,
      objectCount: this.objectCount + this.waitingTypes.size,
      objectExists: (object) => objectsRoot(this.doc).has(object) || this.pending.newestOf({ at: "root", object }) !== undefined,
      typeOfMap: (map) => this.typeOfMap(map),
      isGone: (map) => structOf(this.doc, map)?.deleted === true || this.pending.isDeleted(...idOf(map), 1),
      newest: (place) => {
        const id = this.newestWrite(place);
        return id === null ? "" : idKey(id.client, id.clock);
      },
      size: (map, field) => sizeOf(this.mapOf(map)?.get(field)),
    };
  }

  private typeOfMap(map: string): string | undefined {
    const type = this.waitingTypes.get(map)?.type ?? this.mapOf(map)?.get("type");
    return typeof type === "string" && Object.hasOwn(this.scene.objects, type) ? type : undefined;
  }

  /** The live durable map of an object by the `idKey` of its item. */
  private mapOf(map: string): Y.Map<unknown> | undefined {
    const item = structOf(this.doc, map);
    if (!(item instanceof Y.Item) || item.deleted || !(item.content instanceof Y.ContentType)) return undefined;
    return item.content.type instanceof Y.Map ? item.content.type : undefined;
  }
}

/** The durable struct an `idKey` names. */
function structOf(doc: Y.Doc, key: string): Y.Item | Y.GC | undefined {
  return structAt(doc, ...idOf(key));
}

const idOf = (key: string): [client: number, clock: number] => key.split(":").map(Number) as [number, number];

function sizeOf(stored: unknown): number {
  if (stored instanceof Y.Text || stored instanceof Y.Array) return stored.length;
  return stored instanceof Y.Map ? stored.size : 0;
}

function refusedFault(fault: "malformed" | "too-large"): Verdict {
  const sentence =
    fault === "malformed" ? "The update is not a well-formed Yjs V1 update of this scene." : "The update is too large; send smaller ones.";
  return { kind: "refused", denial: { reason: fault, object: "", field: "", sentence }, forged: fault === "malformed" };
}
