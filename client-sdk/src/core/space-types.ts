/**
 * The public face of the SDK: everything an application touches, and nothing else. No DOM, no node types, no engine types.
 *
 * [SP1] Frames of reference: "room" is the space's frame (right-handed, +Y up, -Z forward, metres); "play space" is the headset's own
 *       (WebXR local-floor). The rig places the play space in the room; the SDK composes, the application only measures.
 * [SP2] Typed arrays handed out (`pose`, `states`, `transform`, `origin`) are owned by the SDK and rewritten in place by `space.frame()`;
 *       copy what must outlive the frame.
 * [SP3] Local times (`nowMs`, `timeMs`) are on the clock given at creation: `performance.now()` in browsers and in node.
 * [SP4] Nothing an application does to objects throws for a reason of the network; what the room refuses is undone and reported as `denied`.
 *       What the scene does not declare (a wrong field, a wrong value) throws a RangeError at once: that is a mistake in the application.
 */
import type { Quat, Vec3 } from "@copresence/shared/base";
import type { Rig } from "@copresence/shared/motion";
import type { DeniedReason, Hand, ReportReason } from "@copresence/shared/protocol";
import type {
  FieldPolicy,
  FieldSpec,
  FieldsOf,
  FieldValue,
  InitOf,
  PermissionRule,
  PermissionScope,
  Scene,
  SceneSpec,
  TypeNames,
} from "@copresence/shared/scene";
import type { Array as YArray, Doc, Text as YText } from "yjs";
import type { HistoryOptions, HistoryResult, RollbackOptions, RollbackResult } from "./history-types.ts";
import type { Me, People, RemotePerson } from "./people-types.ts";
import type { Quality, QualityChange } from "./quality.ts";
import type { MeasureNotice, Safety, SafetyDecisions } from "./safety-types.ts";
import type { DescribeOptions, Description, SearchOptions, SearchResult } from "./search-types.ts";
import type { HandControls, HandJoints } from "./stream-types.ts";

export type { HandControls, HandJoints, Quality, QualityChange };
export type { QualityOptions } from "./quality.ts";
export type * from "./history-types.ts";
export type * from "./people-types.ts";
export type * from "./safety-types.ts";
export type * from "./search-types.ts";
export type { DeniedReason, Hand, ReportReason, Quat, Rig, Vec3 };

// ---------------------------------------------------------------------------------------------------------------- connecting

/** Artificial network trouble between this client and the room, both ways; for demos and tests. */
export type LinkConditions = {
  /** Added to each direction, 0..5000 ms. */
  readonly latencyMs: number;
  /** Uniform, added on top of the latency, 0..5000 ms. Order is kept, as TCP keeps it. */
  readonly jitterMs: number;
  /** Chance in percent, 0..100, that a message is "lost": over TCP that is a stall of this message and all behind it. */
  readonly lossPct: number;
};

/**
 * A join ticket: a string for one join, or a function that fetches a fresh one. Only the function can reconnect, because
 * a ticket admits once and for at most 60 s.
 */
export type TicketSource = string | (() => string | Promise<string>);

export type ConnectOptions<S extends SceneSpec = any> = {
  /** `http://`, `https://`, `ws://` or `wss://` address of the server. */
  readonly url: string;
  /** Identifier of the space, `^[A-Za-z0-9_-]{1,64}$`. */
  readonly space: string;
  readonly ticket: TicketSource;
  /** The scene's definition: gives objects their types. Without it fields are read by what they look like. */
  readonly scene?: Scene<S> | undefined;
  /** Pose messages per second; the default, and the ceiling, is what the room asks for (its tick rate, at most 60). Each carries up to 3 samples. */
  readonly uplinkHz?: number | undefined;
  /** Knobs of `space.quality` from the start. */
  readonly quality?: QualityChange | undefined;
  /** Artificial network trouble from the start; `space.simulate` changes it. */
  readonly link?: LinkConditions | undefined;
  /** False for clients that only act, such as load generators: others' poses are counted but not decoded. Default true. */
  readonly observe?: boolean | undefined;
  /**
   * Keeps the scene and unsaved edits on this device (IndexedDB), per person, so that closing the page offline loses nothing and the scene
   * can be opened and edited without a network: `connect` then resolves while the join is still being retried. Default false: a device may be
   * shared, and what is kept can be read by whoever uses this browser profile (`forgetOffline` erases it).
   */
  readonly offline?: boolean | OfflineOptions | undefined;
  /** What this person decided earlier: the application keeps it (see `space.safety`), the SDK tells every room. */
  readonly safety?: SafetyDecisions | undefined;
  /** How long the first join may retry what is worth retrying before `connect` rejects. Default 10 000 ms. */
  readonly patienceMs?: number | undefined;
};

export type OfflineOptions = {
  /** Name of the IndexedDB database. Default "copresence-offline". */
  readonly database?: string | undefined;
  /** Scenes not opened for this long are erased, unless they hold unsaved edits. 1..3650, default 30. */
  readonly keepDays?: number | undefined;
};

/** Why a join failed or a session ended. `code` is a number of the close-code table, or the WebSocket's own. */
export type CloseInfo = { readonly code: number; readonly sentence: string; readonly retryable: boolean };

/**
 * `connecting` first join under way · `live` in the room · `asleep` headset off (the link is kept, or restored, quietly) ·
 * `reconnecting` link lost, retrying with fresh tickets · `closed` for good: left, refused, or removed.
 */
export type SpaceStatus = "connecting" | "live" | "asleep" | "reconnecting" | "closed";

/**
 * `saved` every edit is on the server's disk · `saving` some are on their way · `storage-trouble` the server cannot write, its
 * document is read-only for now · `offline` there are edits that wait for the link · `denied` the newest edits were refused and undone,
 * all others are saved (until the next edit). None is lost in any of them.
 */
export type SavedState = "saved" | "saving" | "storage-trouble" | "offline" | "denied";

export type StatusChange = {
  readonly status: SpaceStatus;
  readonly previous: SpaceStatus;
  /** Why the last link failed or ended, when that is what changed the status. */
  readonly reason: CloseInfo | undefined;
};

// -------------------------------------------------------------------------------------------------------------------- objects

/** Names of the fields of one object type, all or with certain policies. */
export type FieldNames<S extends SceneSpec, T extends TypeNames<S>> = keyof S["objects"][T] & string;
export type FieldsWith<S extends SceneSpec, T extends TypeNames<S>, P extends FieldPolicy> = {
  [F in FieldNames<S, T>]: S["objects"][T][F] extends FieldSpec<any, infer Q> ? (Q extends P ? F : never) : never;
}[FieldNames<S, T>];
/** Every declared field and its value; texts as strings, counters as their sum, the transform as it rests in the document. */
export type FieldValues<S extends SceneSpec, T extends TypeNames<S>> = FieldsOf<S["objects"][T]>;
export type FieldType<S extends SceneSpec, T extends TypeNames<S>, F extends FieldNames<S, T>> = FieldValue<S["objects"][T][F]>;

/** A hand frame to object frame offset: object = hand * grip. For `both` the frame sits between the hands, x from left to right. */
export type Grip = { readonly position: Vec3; readonly rotation: Quat };
export type GrabOptions = {
  /** Default: the object stays where it is relative to the hand. */
  readonly grip?: Grip | undefined;
  /** Called at most once: the claim was refused, somebody had touched it first, or the hold ended without my letting go. */
  readonly onDenied?: ((denied: Extract<GrabResult, { granted: false }>) => void) | undefined;
  /** Of an object I hold already: its new scale, within what the scene allows. */
  readonly scale?: number | undefined;
};
export type GrabResult =
  | { readonly granted: true; readonly leaseMs: number }
  | { readonly granted: false; readonly reason: DeniedReason | "offline"; readonly holder: number | undefined };
export type ReleaseOptions = {
  /** Metres per second, room frame. Default: the hand's own. */
  readonly velocity?: Vec3 | undefined;
  /** Radians per second about each axis, room frame. */
  readonly spin?: Vec3 | undefined;
};

/**
 * A collaborative text. Every concurrent edit survives. Places that are not in it throw a RangeError; more than 65 536 characters are refused with a
 * `denied` event (`too-large`), as are more than 1 024 items of a list and 256 elements of a set.
 */
export type TextHandle = {
  toString(): string;
  readonly length: number;
  insert(index: number, text: string): void;
  delete(index: number, length: number): void;
  /** Turns the text into `text` by the smallest single replacement, so that others' edits outside of it survive. */
  replace(text: string): void;
  /** The shared type itself, for editor bindings. Ask again after a `resynced` event. Undefined once the object is deleted. */
  readonly ytext: YText | undefined;
};

/** A list. Concurrent insertions all survive. Items and positions that cannot be throw a RangeError. */
export type ListHandle<I> = Iterable<I> & {
  readonly length: number;
  at(index: number): I | undefined;
  toArray(): readonly I[];
  push(...items: readonly I[]): void;
  insert(index: number, ...items: readonly I[]): void;
  delete(index: number, length?: number): void;
  /** The shared type itself. Ask again after a `resynced` event. Undefined once the object is deleted. */
  readonly yarray: YArray<unknown> | undefined;
};
/** A set of short strings, sorted. Adding wins over a concurrent removal. */
export type SetHandle = Iterable<string> & {
  readonly size: number;
  has(element: string): boolean;
  add(element: string): void;
  delete(element: string): void;
};
/** A counter. No concurrent increment is lost. */
export type CounterHandle = { readonly value: number; add(by?: number): void };
/** What became of a compare-and-set; `value` is what everybody sees now. `offline`: no link, or it ended before the verdict. */
export type CasOutcome<V> =
  | { readonly won: true; readonly value: V }
  | { readonly won: false; readonly reason: DeniedReason | "offline" | "schema-mismatch" | "declined"; readonly value: V };
/** A field that changes hands: a reservation, a state machine. */
export type CasHandle<V> = {
  readonly value: V;
  /** Sets it if nobody has changed what I see; the room decides. Not shown before it has. */
  set(value: V): Promise<CasOutcome<V>>;
  /** Sets what `next` makes of the current value, again after each lost race (5 attempts by default); `undefined` gives up (`declined`). */
  update(next: (current: V) => V | undefined, attempts?: number): Promise<CasOutcome<V>>;
};

export type Veil = { readonly reason: string; /** I wrote it, so I still see it. */ readonly mine: boolean };

/** What others see of a text that moderation hid. */
export const HIDDEN_TEXT = "[hidden]";

/** One shared object. A live view: reading after a change gives the new value. */
export type ObjectBase<S extends SceneSpec, T extends TypeNames<S>> = {
  readonly id: string;
  readonly type: T;
  /** False once deleted; fields then read as undefined and writes are ignored. */
  readonly exists: boolean;
  readonly fields: FieldValues<S, T>;
  /** A plain copy: id, type and fields. */
  toJSON(): { readonly id: string; readonly type: T; readonly fields: FieldValues<S, T> };
  /** Float64Array[8]: x y z qx qy qz qw scale in the room, where to draw it now: in its holder's hand, or where it was put. */
  readonly transform: Float64Array;
  /** Slot of who holds it as shown (my own claims at once, before the verdict), or undefined. */
  readonly holder: number | undefined;
  readonly heldByMe: boolean;
  /** Whether it can be held: its type declares a leased transform. */
  readonly grabbable: boolean;
  /** Changes an `lww` field. Shown at once; undone with a `denied` event if the room refuses. */
  set<F extends FieldsWith<S, T, "lww">>(field: F, value: FieldType<S, T, F>): void;
  /** A `cas` field: the room judges each change against what its author saw. */
  cas<F extends FieldsWith<S, T, "cas">>(field: F): CasHandle<FieldType<S, T, F>>;
  text(field: FieldsWith<S, T, "text">): TextHandle;
  /** Adds to a counter; no concurrent increment is lost. Default 1. */
  count(field: FieldsWith<S, T, "counter">, by?: number): void;
  /** Adds an element to a set, or takes it out; a concurrent add wins. */
  member(field: FieldsWith<S, T, "set">, element: string, present: boolean): void;
  elements(field: FieldsWith<S, T, "set">): SetHandle;
  counter(field: FieldsWith<S, T, "counter">): CounterHandle;
  list<F extends FieldsWith<S, T, "list">>(field: F): ListHandle<FieldType<S, T, F> extends readonly (infer I)[] ? I : never>;
  veiled(field: string): Veil | undefined;
  /**
   * Takes the object into a hand, shown at once: `left`, `right`, `both` (moves, turns and scales with the two), or `pointer`, which carries it
   * in front of the head. Without one: the hand that is there, else the pointer. Resolves with the room's verdict.
   */
  grab(hand?: Hand, options?: GrabOptions): Promise<GrabResult>;
  grab(options: GrabOptions): Promise<GrabResult>;
  /** Lets go; moving fast enough it is a throw, which everybody sees fly and land in the same place. Does nothing if I do not hold it. */
  release(options?: ReleaseOptions): void;
};
/** `space.objects.get("valve-3").open` is a boolean; a field named like a member of `ObjectBase` is reached through `fields`. */
export type SpaceObject<S extends SceneSpec = any, T extends TypeNames<S> = TypeNames<S>> =
  T extends TypeNames<S> ? ObjectBase<S, T> & Omit<FieldValues<S, T>, keyof ObjectBase<S, T>> : never;

export type Objects<S extends SceneSpec = any> = Iterable<SpaceObject<S>> & {
  readonly size: number;
  ids(): readonly string[];
  get(id: string): SpaceObject<S> | undefined;
  /** As `get`, narrowed: undefined if the object is of another type. */
  get<T extends TypeNames<S>>(id: string, type: T): SpaceObject<S, T> | undefined;
  /** Creates an object under a fresh id (or `id`); others see it as soon as it is durable. */
  create<T extends TypeNames<S>>(type: T, init?: InitOf<S["objects"][T]>, id?: string): SpaceObject<S, T>;
  delete(id: string): void;
  /** The scene document. Replaced (with a `resynced` event) only when the room refused an edit that it cannot take back otherwise. */
  readonly doc: Doc;
};

// --------------------------------------------------------------------------------------------------------- events and messages

export type ChatLine = {
  readonly id: number;
  readonly slot: number;
  readonly user: string;
  /** Display name, as far as the roster still knows it. */
  readonly name: string;
  readonly mine: boolean;
  readonly text: string;
  /** Moderation hid it: nobody but its author got it. */
  readonly hidden: boolean;
  /** Room time. */
  readonly atMs: number;
};

/** The room refused something of mine and, for edits, it has been undone. */
export type DeniedNotice = {
  /** `schema-mismatch`: this client has another version of the scene's definition than the room; it may look, not edit. */
  readonly reason: DeniedReason | "schema-mismatch";
  readonly object: string;
  readonly field: string;
  readonly sentence: string;
};
export type StorageNotice = { readonly state: "good" | "bad"; readonly sentence: string };

/** What became of one edit that was made without a link. */
export type MergedEdit = {
  /** Ids of the objects it creates, changes or deletes. */
  readonly objects: readonly string[];
  /** `saved`, or why the room refused it; it is then undone. */
  readonly outcome: "saved" | DeniedReason;
  readonly sentence: string;
};
export type MergeReport = { readonly edits: readonly MergedEdit[]; /** How many of them were saved. */ readonly saved: number };

/**
 * Whether this device keeps the scene and unsaved edits: `off` it was not asked to, `kept` it does, `unavailable` it was asked to and cannot
 * (no IndexedDB, no space left).
 */
export type OfflineState = "off" | "kept" | "unavailable";

export type SpaceEvents = {
  status: StatusChange;
  saved: SavedState;
  joined: RemotePerson;
  left: RemotePerson;
  /** A person's name, role, colour or status changed. */
  person: RemotePerson;
  chat: ChatLine;
  /** Id of an object that was created, changed or deleted. */
  object: string;
  /** Id of an object whose holder, as shown, changed. */
  held: string;
  denied: DeniedNotice;
  storage: StorageNotice;
  /** Moderation did something about me, or it ended. */
  measure: MeasureNotice;
  /** The rules over who may do what changed; those that concern me. */
  permissions: readonly PermissionRule[];
  /** All edits that were made without a link are settled: each saved, or undone with a reason. */
  merged: MergeReport;
  /** The device stopped keeping edits; the sentence says why. */
  offline: { readonly state: OfflineState; readonly sentence: string };
  /** `objects.doc` is a new document; bindings to shared types must be renewed. */
  resynced: Doc;
};

/** Rules over who may do what. The room refuses changes by people who do not moderate, with a `denied` event. */
export type Permissions = {
  rules(): readonly PermissionRule[];
  /** Allows or forbids; `undefined` takes a rule back to what the definition says. In force at once, told by a `permissions` event when saved. */
  set(scope: PermissionScope, allow: boolean | undefined): void;
};

export type SpaceStats = {
  readonly rttMs: number;
  readonly jitterMs: number;
  /** Mean playout delay of visible people. */
  readonly delayMs: number;
  /** Since creation, payload bytes of WebSocket messages. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Over the last second or so. */
  readonly bytesInPerS: number;
  readonly bytesOutPerS: number;
  /** Tick of the newest frame. */
  readonly tick: number;
  readonly tickRateHz: number;
  /** Half the round trip of the best probe: the bound on the clock offset's error. */
  readonly clockErrorMs: number;
  /** How early the last pose sample reached the room before the tick that used it. */
  readonly slackMs: number;
  readonly framesIn: number;
  readonly reconnects: number;
};

// ---------------------------------------------------------------------------------------------------------------------- space

export type Space<S extends SceneSpec = any> = {
  readonly id: string;
  readonly status: SpaceStatus;
  readonly saved: SavedState;
  readonly offline: OfflineState;
  readonly region: string;
  readonly me: Me;
  readonly people: People;
  readonly safety: Safety;
  readonly objects: Objects<S>;
  readonly permissions: Permissions;
  readonly stats: SpaceStats;
  /** Live knobs: latency against smoothness, what I get of others, what I send. */
  readonly quality: Quality;
  /** False when the server runs another version of the scene definition than the one given to `connect`. */
  readonly definitionMatches: boolean;
  /** Room time now, ms since the room's start; 0 before the clock is synchronised. */
  readonly roomTimeMs: number;
  on<E extends keyof SpaceEvents>(event: E, listener: (value: SpaceEvents[E]) => void): () => void;
  /** Sends a line to everybody. False when there is no room to send it to. It comes back as a `chat` event. */
  chat(text: string): boolean;
  search(text: string, options?: SearchOptions): Promise<SearchResult>;
  /**
   * A standing question: `listener` is called with the answer soon and whenever it changes, also over reconnects, until the function that is
   * returned is called. Without `from` it is asked from where I stand. At most 4 at a time; more are refused with a `denied` event.
   */
  watch(text: string, listener: (result: SearchResult) => void, options?: SearchOptions): () => void;
  /**
   * Makes all changes of objects within `change` one edit, and gives back what it returns. Up to about a thousand values (`LIMITS.updateStructs`,
   * 64 KiB) reach the room together or not at all. More, such as two thousand pasted objects, go in parts, in order, and never through the
   * middle of a new object; the edit is `saved` when all of them are. If the room refuses one, there is one `denied` event for the edit: what
   * went before that part stays, and is seen by others already; that part and everything of the edit behind it is undone. A lost link or a
   * restarted room in between loses nothing: the rest follows. Synchronous; nothing is undone when `change` throws.
   */
  transact<T>(change: () => T): T;
  /** What is here and who does what, to read out. */
  describe(options?: DescribeOptions): Promise<Description>;
  /** Who changed what, newest first, as far back as the server keeps it (30 days by default). For whoever may edit. */
  history(options?: HistoryOptions): Promise<HistoryResult>;
  /**
   * Undoes a person's, an object's or a period's changes, as a new edit; what others have built on them since stays. One's own: everybody who
   * may edit; otherwise: moderators. Resolves when it is on the room's disk. Throws a RangeError when nothing is named.
   */
  rollback(options: RollbackOptions): Promise<RollbackResult>;
  /** Once per rendered frame, after `me.setPose`: plays people out, moves held objects, paces the uplink. `nowMs` is local; default now. */
  frame(nowMs?: number): void;
  /** Artificial network trouble from now on; undefined ends it. */
  simulate(conditions: LinkConditions | undefined): void;
  /** Tells the SDK that the network may have changed (browsers' `online`, Wi-Fi switch): a waiting reconnect tries at once. */
  networkChanged(): void;
  /** Leaves for good. Resolves when the link is closed; edits that were not saved are given up to 2 s to become so. */
  leave(): Promise<void>;
};

/** What `connect` rejects with. */
export class JoinError extends Error {
  readonly code: number;
  readonly retryable: boolean;
  constructor(info: CloseInfo) {
    super(info.sentence);
    this.name = "JoinError";
    this.code = info.code;
    this.retryable = info.retryable;
  }
}
