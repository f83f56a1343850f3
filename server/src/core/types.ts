/**
 * The seam between deciding and doing. `SceneCore.step(inputs, nowMs) -> effects` is pure: no clock, no dice, no sockets, no await.
 * Adapters turn sockets, stores, timers and the pipeline into `CoreInput`s and carry out `CoreEffect`s, in order.
 *
 * [CO1] The same seed, definition and inputs give the same effects, bit for bit (PROMISES P3).
 * [CO2] `send` effects own their bytes except `sendFrame`, whose view is valid only until the next `step`.
 * [CO3] A store that does not answer never blocks `step`; what waits for it is bounded.
 */
import type { SessionId, Slot, Tick, UserId } from "@copresence/shared/base";
import type { Launch } from "@copresence/shared/motion";
import type { CloseName, DeniedReason, Hand, MessageOf, ReportReason, UpMessage } from "@copresence/shared/protocol";
import type { AlarmKind, AlarmNotice } from "./behaviour/index.ts";
import type { ResolvedRight, SearchHit } from "@copresence/shared/scene";
export type { SearchHit };
import type { Rerooted, Wear } from "./document/renewal.ts";
import type { Evidence } from "./safety/reports.ts";
import type { PastAnswer, PastQuery } from "./history/types.ts";

/** What a verified ticket says. */
export type Identity = { readonly user: UserId; readonly name: string; readonly role: string };

/** The fields of a `poseUp` as they came, bytes[at..at + length), whose length fits one (protocol/pose-up.ts); not read after the step. */
export type PoseInput = {
  readonly kind: "pose";
  readonly session: SessionId;
  readonly receivedMs: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
};

export type CoreInput =
  | { readonly kind: "join"; readonly session: SessionId; readonly identity: Identity }
  | { readonly kind: "leave"; readonly session: SessionId }
  | { readonly kind: "message"; readonly session: SessionId; readonly receivedMs: number; readonly message: UpMessage }
  | PoseInput
  /** A message that could not be decoded; strikes are counted by the core. */
  | { readonly kind: "malformed"; readonly session: SessionId; readonly sentence: string }
  /** A stock y-websocket peer on `/sync/<space>`: document only, no pose, no slot. */
  | { readonly kind: "docJoin"; readonly session: SessionId; readonly identity: Identity }
  | { readonly kind: "docLeave"; readonly session: SessionId }
  /** Raw y-protocols bytes from such a peer. */
  | { readonly kind: "docMessage"; readonly session: SessionId; readonly bytes: Uint8Array }
  /** Answer to an `append` effect. */
  | { readonly kind: "appended"; readonly batch: number; readonly ok: boolean; readonly sentence: string }
  /** Answer to a `note` effect. */
  | { readonly kind: "noted"; readonly write: number; readonly ok: boolean; readonly sentence: string }
  /** A `compact` effect was carried out: the stored document has this many bytes, and carries this around. */
  | { readonly kind: "compacted"; readonly bytes: number; readonly wear?: Wear | undefined }
  /** Answer to a `reroot` effect: the fresh generation, which is the stored one from now on; undefined: nothing has changed. */
  | { readonly kind: "rerooted"; readonly fresh: Rerooted | undefined }
  /** A verified write after trouble: the store works again. */
  | { readonly kind: "storeRecovered" }
  /** A person who is not here is erased: nothing that is still to be written names them; `alias` stands where they stood. */
  | { readonly kind: "forgetPerson"; readonly user: string; readonly alias: string }
  /** An append or a note has been under way for too long; it may still succeed. Ended by `storeRecovered`, or by the answer that it failed. */
  | { readonly kind: "storeStalled"; readonly sentence: string }
  /** Answer to a `recall` effect; undefined: the store could not read its past, and `sentence` says why. */
  | { readonly kind: "recalled"; readonly id: number; readonly answer: PastAnswer | undefined; readonly sentence: string }
  /** The pipeline's verdict on a text (see pipeline/types.ts); `subject` is what the event named. */
  | { readonly kind: "verdict"; readonly subject: TextSubject; readonly version: number; readonly hide: boolean; readonly reason: string }
  | {
      readonly kind: "searched";
      readonly session: SessionId;
      readonly ref: number;
      readonly degraded: boolean;
      readonly hits: readonly SearchHit[];
      readonly count?: number | undefined;
      readonly description?: SceneDescription | undefined;
    }
  /** The socket of a session skipped a droppable frame (governor). */
  | { readonly kind: "frameSkipped"; readonly session: SessionId }
  /** The session's last frame was sent while an earlier one still waited in its socket (governor). */
  | { readonly kind: "frameQueued"; readonly session: SessionId }
  /** A safety filter: from the next frame on `viewer` is sent nothing of `source`'s poses, or is again. Users, whether here or not. */
  | { readonly kind: "hide"; readonly viewer: UserId; readonly source: UserId; readonly reason: HideReason; readonly hidden: boolean }
  /** Moderation takes a right from a person, or gives it back; by user, so that it holds for their next session too. */
  | { readonly kind: "restrict"; readonly user: UserId; readonly what: Restriction; readonly on: boolean }
  /** Tells a person what was done about them. */
  | {
      readonly kind: "tell";
      readonly user: UserId;
      readonly measure: number;
      readonly what: MeasureName;
      readonly on: boolean;
      readonly sentence: string;
    }
  /** What became of an `appeal` effect. */
  | { readonly kind: "appealed"; readonly session: SessionId; readonly ref: number; readonly taken: boolean }
  /** Nobody but moderators may touch the object, or everybody may again. */
  | { readonly kind: "quarantine"; readonly object: string; readonly on: boolean };

export type MeasureName = MessageOf<"measure">["what"];

/** `mute`: no lines; `freeze`: no edits and no grabs; `remove`: not in this space. */
export const RESTRICTIONS = ["mute", "freeze", "remove"] as const;
export type Restriction = (typeof RESTRICTIONS)[number];

export const HIDE_REASONS = ["muted", "blocked", "bubble"] as const;
export type HideReason = (typeof HIDE_REASONS)[number];

export type TextSubject =
  | { readonly kind: "chat"; readonly id: number }
  | { readonly kind: "field"; readonly object: string; readonly field: string };
/** What `describe` is answered with; `text` is for people. Positions in metres. */
export type SceneDescription = {
  readonly text: string;
  readonly objects: number;
  readonly people: number;
  readonly groups: readonly { readonly label: string; readonly count: number; readonly position: readonly number[] }[];
};
/** A person as a description tells of them. */
export type DescribedPerson = {
  readonly name: string;
  readonly asleep: boolean;
  readonly view: { readonly position: readonly number[]; readonly rotation: readonly number[] } | null;
  /** Ids of what they hold. */
  readonly holds: readonly string[];
};

/** Public facts about a person, mirrored into the Colyseus schema. `status` never says why somebody is asleep. */
export type Person = {
  readonly slot: Slot;
  readonly session: SessionId;
  readonly user: UserId;
  readonly name: string;
  readonly role: string;
  readonly color: number;
  readonly status: "awake" | "asleep";
};
/**
 * Who holds what: the object follows `hand` of the person in `slot` at the grip offset (hand frame: mm, quaternion x 32767). `both`: the
 * frame between the hands, `spanMm` apart when the object had `scale` (shared/motion/hold.ts).
 */
export type Lease = {
  readonly object: string;
  readonly slot: Slot;
  readonly hand: Hand;
  readonly gripMm: readonly number[];
  readonly gripRotation: readonly number[];
  readonly scale: number;
  readonly spanMm: number;
  readonly sinceTick: Tick;
};
/** An object in the air since room time `startMs`, thrown by `slot`; the rest is a `Launch` (shared/motion/flight.ts). */
export type Flight = Launch & { readonly object: string; readonly slot: number; readonly startMs: number };

/** Session-plane changes, in order. Colyseus mirrors them as schema, simulations deliver them as they are. */
export type SessionDelta =
  | { readonly kind: "person"; readonly person: Person }
  | { readonly kind: "personGone"; readonly slot: Slot }
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "leaseGone"; readonly object: string }
  /** Before the end of the throw's hold; its end after the beginning of the catch's hold: nobody sees the object nowhere. */
  | { readonly kind: "flight"; readonly flight: Flight }
  | { readonly kind: "flightGone"; readonly object: string }
  /** A text field hidden by moderation (for everybody but its author). Reversible. */
  | { readonly kind: "veil"; readonly object: string; readonly field: string; readonly author: string; readonly reason: string }
  | { readonly kind: "veilGone"; readonly object: string; readonly field: string };

/** One update to make durable (OBJECTS.md, Durability). `user` is the author, for history. */
export type AppendRecord = { readonly user: string; readonly client: number; readonly clock: number; readonly update: Uint8Array };

export type CoreEffect =
  /** An encoded ordered or droppable message, `[17][id][fields]`, owned by the effect. */
  | { readonly kind: "send"; readonly session: SessionId; readonly bytes: Uint8Array; readonly droppable: boolean }
  /** This viewer's pose frame of this tick, droppable; `bytes` is a view into the core's buffer [CO2]. */
  | { readonly kind: "sendFrame"; readonly session: SessionId; readonly bytes: Uint8Array }
  /** y-protocols bytes for a `docJoin` peer. */
  | { readonly kind: "sendDoc"; readonly session: SessionId; readonly bytes: Uint8Array }
  | { readonly kind: "session"; readonly delta: SessionDelta }
  | { readonly kind: "append"; readonly batch: number; readonly records: readonly AppendRecord[] }
  /** A small record of the scene outside of its document (permissions), replaced as a whole; answered by `noted`. */
  | { readonly kind: "note"; readonly write: number; readonly key: string; readonly value: Uint8Array }
  /** The log has grown enough to be folded into a snapshot; the store does it beside the room, which hears of it by `compacted`. */
  | { readonly kind: "compact" }
  /**
   * The document is to be made anew, with the same content and nothing of its past, as a new epoch; `note` is written in the same transaction.
   * Nothing is appended until the answer, `rerooted`.
   */
  | { readonly kind: "reroot"; readonly note: { readonly key: string; readonly value: Uint8Array } }
  /** The scene's past is asked for; the answer comes as `recalled`. */
  | { readonly kind: "recall"; readonly id: number; readonly query: PastQuery }
  | { readonly kind: "close"; readonly session: SessionId; readonly reason: CloseName }
  /** `by`: who caused it, where somebody did; for the room's own counting, not for the pipeline. */
  | { readonly kind: "event"; readonly event: PipelineEvent; readonly by?: readonly string[] }
  /** The behaviour model, or a hard limit, objects to what somebody does. */
  | { readonly kind: "alarm"; readonly alarm: Alarm }
  /** Somebody asks to look again at what was done about them. */
  | {
      readonly kind: "appeal";
      readonly session: SessionId;
      readonly user: string;
      readonly ref: number;
      readonly measure: number;
      readonly text: string;
    }
  /** For the moderators' queue. */
  | { readonly kind: "report"; readonly report: Report }
  | { readonly kind: "count"; readonly metric: CoreMetric; readonly by: number };

/** Somebody asks moderators to look at a person, an object, or both; the other is empty. */
export type Report = {
  /** From 1, per run of the room. */
  readonly id: number;
  readonly atMs: number;
  readonly reporter: string;
  readonly user: string;
  readonly object: string;
  readonly reason: ReportReason;
  readonly text: string;
  readonly evidence: Evidence;
};

/** What somebody does, to whom (empty: to nobody in particular), and the numbers behind it; never motion itself. */
export type Alarm = {
  readonly atMs: number;
  readonly offence: AlarmKind;
  readonly user: string;
  readonly victim: string;
  readonly score: number;
  readonly numbers: AlarmNotice["numbers"];
  /** Of the behaviour model. */
  readonly model: string;
};

export type CoreMetric =
  | "pose_refused"
  | "pose_clamped"
  | "edit_denied"
  | "edit_accepted"
  | "grab_granted"
  | "grab_denied"
  | "malformed"
  | "chat"
  | "frame_skipped"
  | "lease_expired"
  | "relation"
  | "report"
  | "hide_refused"
  | "alarm"
  | "rollback"
  | "rerooted";

/** What the side pipeline reads. Idempotent by (subject, version); superseded versions coalesce. */
export type PipelineEvent =
  | {
      readonly kind: "object";
      readonly object: string;
      readonly version: number;
      readonly type: string;
      readonly label: string;
      readonly text: string;
      readonly position: readonly number[];
      readonly sizeM: number;
      readonly color: string;
      /** Extents along x, y, z in metres, where the object says them; otherwise `sizeM` is the largest. */
      readonly size?: readonly number[] | undefined;
      /** Words that are true of it: states ("open"), tags. */
      readonly tags?: readonly string[] | undefined;
      /** The room or zone it says it is in. */
      readonly room?: string | undefined;
    }
  | { readonly kind: "objectGone"; readonly object: string; readonly version: number }
  | {
      readonly kind: "text";
      readonly subject: TextSubject;
      readonly version: number;
      readonly user: string;
      readonly text: string;
      /** Of this space, by head of the text model, 0..1; heads not named keep the model's own, 1 is never. */
      readonly thresholds?: Readonly<Record<string, number>> | undefined;
    }
  | {
      readonly kind: "search";
      readonly session: SessionId;
      /** The room's own number of the asking, never used twice. */
      readonly ref: number;
      readonly text: string;
      readonly limit: number;
      readonly withinM: number;
      readonly types: readonly string[];
      readonly from: { readonly position: readonly number[]; readonly rotation: readonly number[] } | null;
      /** What this asker may find; absent: everything. */
      readonly find?: ResolvedRight | undefined;
      /** Objects whose words moderation hides from this asker: they go by their type. */
      readonly veiled?: readonly string[] | undefined;
      /** The question is what is here; `view` for what is in view alone. */
      readonly describe?: { readonly view: boolean; readonly people: readonly DescribedPerson[] } | undefined;
    };

export type DeniedNotice = { readonly reason: DeniedReason; readonly object: string; readonly field: string; readonly sentence: string };
