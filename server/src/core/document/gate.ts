/**
 * The gate: every update passes here before anything is stored, applied or sent on. It decides against the durable document plus what already
 * waits for the disk, and changes neither.
 *
 * [GA1] A refused update leaves no trace: no struct, no clock, no pending storage, no claim on a clientID.
 * [GA2] What is admitted is re-encoded from what was judged (update-bytes.ts).
 * [GA3] An admitted update integrates completely: no gap, no cycle, no unknown parent (update-reader.ts).
 */
import type { SessionId, Vec3 } from "@copresence/shared/base";
import type { DeniedReason } from "@copresence/shared/protocol";
import {
  type FieldPolicy,
  type FieldSpec,
  objectsRoot,
  type PermissionPerson,
  type PermissionTable,
  type Right,
  type Scene,
  unpackTransform,
} from "@copresence/shared/scene";
import * as Y from "yjs";
import type { Identity } from "../types.ts";
import type { ClientRegistry } from "./client-registry.ts";
import type { PendingIndex } from "./pending-index.ts";
import { idKey, idOf, type Place, rootPlace, stateOf, strandLength, structAt } from "./places.ts";
import { type Denial, judge, type SceneView } from "./policy.ts";
import { encodeUpdate } from "./update-bytes.ts";
import { type ReadUpdate, readUpdate, type UpdateFault } from "./update-reader.ts";

export type Author = {
  readonly session: SessionId;
  readonly identity: Identity;
  /** Why nothing can be taken at the moment (read-only, full), told only to those who really change something. */
  readonly room: Denial | undefined;
  /** As much waits for the disk as may: told as `later` to those who really change something. */
  readonly crowded: boolean;
};
export type Admitted = {
  readonly kind: "admitted";
  readonly update: Uint8Array;
  /** First client the update has structs of, and its next clock afterwards; 0, 0 for pure deletions. */
  readonly client: number;
  readonly clock: number;
  /** What it adds, not to be changed: Yjs integrates a copy of its own. */
  readonly pieces: ReadUpdate["pieces"];
  /** What it deletes. */
  readonly ranges: ReadUpdate["ranges"];
  /** Where it changes something. */
  readonly places: ReadonlySet<Place>;
  /** What applying it costs, in us, estimated. */
  readonly weightUs: number;
  /** ClientIDs that belong to the author from now on. */
  readonly fresh: readonly number[];
  /** Next clocks of every client the update has structs of. */
  readonly clocks: readonly { readonly client: number; readonly clock: number }[];
};
export type Verdict =
  | Admitted
  /** The room has all of it already. */
  | { readonly kind: "nothing" }
  /** Something it builds on is missing: ask with a sync step instead of storing it. */
  | { readonly kind: "gap" }
  /** It can be judged when what waits for the disk is in the document. */
  | { readonly kind: "later" }
  /** It names clientIDs of an earlier generation. */
  | { readonly kind: "outdated" }
  /** `forged`: no honest client sends this. */
  | { readonly kind: "refused"; readonly denial: Denial; readonly forged: boolean };

/** Structs of one sequence or one entry's history, deleted ones included: below what one update may delete. */
const STRAND_MAX = 20_000;
/** Strands whose size is remembered. */
const STRANDS_KNOWN = 4096;

export class Gate {
  private readonly scene: Scene;
  private readonly doc: Y.Doc;
  private readonly pending: PendingIndex;
  private readonly clients: ClientRegistry;
  private readonly permissions: PermissionTable;
  /** Resting places that wait for the disk, by the `idKey` of the object's map. */
  private readonly waitingPlaces = new Map<string, { readonly client: number; readonly clock: number; readonly position: Vec3 }>();
  /** Declared types of objects that wait for the disk, by the `idKey` of their map. */
  private readonly waitingTypes = new Map<string, { readonly object: string; readonly type: string }>();
  /** Structs in sequences and entries' histories that were written lately, at least. */
  private readonly strandSizes = new Map<string, number>();
  /** Live objects of the durable document. */
  objectCount = 0;

  constructor(options: {
    readonly scene: Scene;
    readonly doc: Y.Doc;
    readonly pending: PendingIndex;
    readonly clients: ClientRegistry;
    readonly permissions: PermissionTable;
  }) {
    this.permissions = options.permissions;
    this.scene = options.scene;
    this.doc = options.doc;
    this.pending = options.pending;
    this.clients = options.clients;
  }

  /** Judges a peer's update; when admitted, its structs are indexed, and it must be queued and its deletions indexed, in the queue's order. */
  admit(bytes: Uint8Array, author: Author): Verdict {
    const read = readUpdate(bytes, this.doc, this.pending);
    if (!read.ok) {
      if (read.error === "gap") return { kind: "gap" };
      // What it would cost on top of what waits says nothing about what it costs by itself.
      return read.error === "tangled" && this.pending.edits > 0 ? { kind: "later" } : refusedFault(read.error);
    }
    const update = read.value;
    if (update.pieces.size === 0 && update.ranges.size === 0) return { kind: "nothing" };
    if ([...update.pieces.keys()].some((client) => this.clients.isRetired(client))) return { kind: "outdated" };
    if (author.room === undefined && author.crowded) return { kind: "later" };
    const denial = author.room ?? judge(update, this.view(author.identity)) ?? this.overlong(update);
    if (denial !== undefined) return { kind: "refused", denial, forged: denial.reason === "malformed" || denial.reason === "client-id" };
    const { claim, fresh } = this.clients.claim(author.session, author.identity.user, [...update.pieces.keys()]);
    if (claim !== "owned") return refusedClaim(claim);
    return { ...this.index(update), fresh };
  }

  /** Indexes the server's own update, which needs no permission; undefined when it changes nothing. */
  admitOwn(bytes: Uint8Array): Admitted | undefined {
    const read = readUpdate(bytes, this.doc, this.pending, true);
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
    return this.specOf(map, field)?.policy;
  }

  /** Declaration of a field of the live object whose map's item is `map`; undefined when there is none. */
  specOf(map: Y.ID, field: string): FieldSpec | undefined {
    const key = idKey(map.client, map.clock);
    const type = this.mapOf(key) === undefined && !this.waitingTypes.has(key) ? undefined : this.typeOfMap(key);
    const spec = type === undefined ? undefined : this.scene.objects[type];
    return spec !== undefined && Object.hasOwn(spec, field) ? spec[field] : undefined;
  }

  /** Whether a person has a right over the object whose map is `map` (`idKey`). */
  may(person: PermissionPerson, right: Right, object: string, map: string): boolean {
    return this.permissions.may(person, right, { object, type: this.typeOfMap(map), position: this.restOf(map) });
  }

  /** Called after the oldest `edits` admitted updates were applied: they are in the document now. */
  settled(edits: number): void {
    this.pending.prune(edits);
    for (const [map, { client, clock }] of this.waitingPlaces) if (clock < stateOf(this.doc, client)) this.waitingPlaces.delete(map);
    for (const map of this.waitingTypes.keys()) if (this.mapOf(map) !== undefined) this.waitingTypes.delete(map);
    for (const [map, { object }] of this.waitingTypes) if (this.pending.newestOf(rootPlace(object)) === undefined) this.waitingTypes.delete(map);
  }

  /** A sequence or history that has become too long for its object to be deleted in one go takes nothing more. */
  private overlong({ writes }: ReadUpdate): Denial | undefined {
    for (const { node } of writes) {
      const { place } = node;
      if (place.at === "gone" || place.at === "meta") continue;
      const key = place.strand;
      let size = (this.strandSizes.get(key) ?? strandLength(this.doc, place)) + 1;
      // Counting up ignores what Yjs merged since; counted anew only when it matters.
      if (size > STRAND_MAX) size = strandLength(this.doc, place) + this.pending.strandLength(place) + 1;
      if (this.strandSizes.size >= STRANDS_KNOWN) this.strandSizes.clear();
      this.strandSizes.set(key, size);
      if (size <= STRAND_MAX) continue;
      const sentence = "This has been edited too often to take more; it has to be made anew.";
      return { reason: "too-large", object: place.object, field: place.at === "root" ? "" : place.field, sentence };
    }
    return undefined;
  }

  private index(update: ReadUpdate): Admitted {
    const places = new Set<Place>();
    for (const { node } of update.deletions) places.add(node.place);
    for (const { node, struct } of update.writes) {
      this.pending.add(node);
      const { place } = node;
      places.add(place);
      if (place.at !== "object" || !(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentAny)) continue;
      const position = place.field === "transform" ? unpackTransform(struct.content.arr[0])?.position : undefined;
      if (position !== undefined) this.waitingPlaces.set(place.map, { client: node.client, clock: node.clock, position });
      if (place.field !== "type") continue;
      this.waitingTypes.set(place.map, { object: place.object, type: String(struct.content.arr[0]) });
    }
    const clocks = [...update.pieces.keys()].map((client) => ({ client, clock: this.pending.end(client) }));
    const [first = { client: 0, clock: 0 }] = clocks;
    return {
      kind: "admitted",
      update: encodeUpdate(update.pieces, update.ranges),
      ...first,
      clocks,
      fresh: [],
      pieces: update.pieces,
      ranges: update.ranges,
      places,
      weightUs: update.weightUs,
    };
  }

  private view(identity: Identity): SceneView {
    return {
      scene: this.scene,
      may: (right, object, map, made) => (made ? this.permissions.may(identity, right, { object, ...made }) : this.may(identity, right, object, map)),
      mayWrite: this.permissions.mayWrite(identity),
      objectCount: this.objectCount + this.waitingTypes.size,
      objectExists: (object) => objectsRoot(this.doc).has(object) || this.pending.newestOf(rootPlace(object)) !== undefined,
      typeOfMap: (map) => this.typeOfMap(map),
      isGone: (map) => structOf(this.doc, map)?.deleted === true || this.pending.isDeleted(...idOf(map), 1),
      newest: (place) => {
        const id = this.newestWrite(place);
        return id === null ? "" : idKey(id.client, id.clock);
      },
      size: (map, field) => sizeOf(this.mapOf(map)?.get(field)),
    };
  }

  /** Where the object whose map is `map` rests, counting what waits. */
  private restOf(map: string): Vec3 | undefined {
    return this.waitingPlaces.get(map)?.position ?? unpackTransform(this.mapOf(map)?.get("transform"))?.position;
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

function sizeOf(stored: unknown): number {
  if (stored instanceof Y.Text || stored instanceof Y.Array) return stored.length;
  return stored instanceof Y.Map ? stored.size : 0;
}

function refusedClaim(claim: "foreign" | "too-many"): Verdict {
  const sentence =
    claim === "foreign" ? "The update writes under a client id that is not yours." : "You write under too many client ids; keep one per session.";
  return { kind: "refused", denial: { reason: "client-id", object: "", field: "", sentence }, forged: true };
}

const FAULTS: Readonly<Record<Exclude<UpdateFault, "gap">, { readonly reason: DeniedReason; readonly sentence: string }>> = {
  malformed: { reason: "malformed", sentence: "The update is not a well-formed Yjs V1 update of this scene." },
  "too-large": { reason: "too-large", sentence: "The update is too large; send smaller ones." },
  // About the replica, not about what the edit says: it is made again on a fresh one.
  tangled: { reason: "too-many", sentence: "The update meets too much that was written meanwhile; make it again on the newest document." },
};

function refusedFault(fault: keyof typeof FAULTS): Verdict {
  return { kind: "refused", denial: { ...FAULTS[fault], object: "", field: "" }, forged: fault === "malformed" };
}
