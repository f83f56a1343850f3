/**
 * The registry: every message of the wire, said once. Codecs, types, size bounds and PROTOCOL.md come from here.
 *
 * [PR1] A message on the room socket is `[17][id][fields]`: 17 is Colyseus's ROOM_DATA_BYTES, `id` its one-byte message type.
 * [PR2] `droppable` messages may be skipped by the sender when the receiver lags; `ordered` ones never are (the session is
 *       closed with a retryable code instead).
 * [PR3] Ids and field order are never reused; a new field is a new version of the protocol.
 * [PR4] Roster, leases and veils travel as Colyseus schema (session plane), not as messages.
 *
 * Units: `...Mm` millimetres in the room's frame (right-handed, +Y up, -Z forward), `...Ms` milliseconds, `tick` room ticks,
 * yaw in 1/65536 turn about +Y, quaternions x y z w scaled by 32767.
 */
import {
  bool,
  f32,
  f64,
  type Fields,
  i8,
  i16,
  i32,
  ident,
  list,
  maybe,
  oneOf,
  record,
  type RecordOf,
  rest,
  text,
  tuple,
  u8,
  u16,
  u32,
} from "./kinds.ts";
import { LIMITS } from "./limits.ts";

export type Direction = "up" | "down";
export type Delivery = "ordered" | "droppable";
export type MessageSpec<F extends Fields = Fields> = {
  readonly id: number;
  readonly direction: Direction;
  readonly delivery: Delivery;
  readonly since: number;
  readonly about: string;
  readonly fields: F;
};

const up = <F extends Fields>(id: number, delivery: Delivery, about: string, fields: F): MessageSpec<F> & { readonly direction: "up" } => ({
  id,
  direction: "up",
  delivery,
  since: 1,
  about,
  fields,
});
const down = <F extends Fields>(id: number, delivery: Delivery, about: string, fields: F): MessageSpec<F> & { readonly direction: "down" } => ({
  id,
  direction: "down",
  delivery,
  since: 1,
  about,
  fields,
});

const vec3Mm = tuple(i32, 3);
const quat16 = tuple(i16, 4);
const hand = oneOf("left", "right", "pointer");
const hold = oneOf("left", "right", "pointer", "both");
export type Hand = "left" | "right" | "pointer" | "both";

export const DENIED_REASONS = [
  "not-allowed",
  "unknown-object",
  "held-by-other",
  "too-many-held",
  "too-far",
  "not-holder",
  "lease-expired",
  "malformed",
  "too-large",
  "too-many",
  "read-only",
  "text-hidden",
  "lost-race",
  "server-only",
  "client-id",
  "out-of-bounds",
] as const;
export type DeniedReason = (typeof DENIED_REASONS)[number];
const deniedReason = oneOf(...DENIED_REASONS);

/** A plain value: `kind` says which of the two fields holds it (a boolean is 0 or 1). */
const plain = record({ kind: oneOf("none", "boolean", "number", "string"), number: f64, text: text(LIMITS.plainBytes) });
/** What a permission rule is about (shared/src/scene/permissions.ts): names are "" where there is nothing to name. */
const permissionScope = record({
  target: oneOf("scene", "type", "zone", "object"),
  name: text(64),
  to: oneOf("everybody", "role", "user"),
  who: text(64),
  right: oneOf("create", "edit", "grab", "delete", "find"),
});
export const REPORT_REASONS = ["harassment", "hate", "threat", "sexual", "spam", "personal-space", "minor-safety", "vandalism", "other"] as const;
export type ReportReason = (typeof REPORT_REASONS)[number];

/** A point of view in the room's frame: m, and a unit quaternion. */
const view = maybe(record({ position: tuple(f32, 3), rotation: tuple(f32, 4) }));
/** What is looked for, once or as long as it stands, and the answer. */
const question = {
  text: text(LIMITS.searchBytes),
  limit: u8,
  withinM: f32,
  types: list(ident, LIMITS.searchTypes),
  from: view,
};
const hits = list(record({ object: ident, score: f32, position: tuple(f32, 3), label: text(LIMITS.labelBytes), why: text(256) }), LIMITS.searchHits);

export const MESSAGES = {
  poseUp: up(1, "droppable", "One to three pose samples in the room's frame, quantised at the source, with the rig they were composed with.", {
    seq: u16,
    echoTick: u32,
    echoAgeMs: u8,
    rig: record({ positionMm: vec3Mm, yaw: u16, inputSeq: u16 }),
    body: rest(LIMITS.uplinkBodyBytes),
  }),
  ping: up(2, "droppable", "Clock probe; answered at once.", { clientTimeMs: f64 }),
  rigInput: up(3, "ordered", "Locomotion inputs since the last message, oldest first, for the shared motion step.", {
    inputs: list(
      record({ seq: u16, dtMs: u8, moveX: i8, moveZ: i8, heading: u16, turn: i8, teleport: maybe(record({ positionMm: vec3Mm, yaw: u16 })) }),
      LIMITS.rigInputs,
    ),
  }),
  grab: up(4, "ordered", "Claim on an object, shown optimistically by the claimant; judged in rewound time.", {
    seq: u16,
    object: ident,
    hand,
    atTick: u32,
    gripMm: tuple(i16, 3),
    gripRotation: quat16,
  }),
  release: up(5, "ordered", "End of a hold: where the object was let go, and how fast.", {
    seq: u16,
    object: ident,
    positionMm: vec3Mm,
    rotation: quat16,
    velocityMmS: tuple(i16, 3),
    spinMradS: tuple(i16, 3),
  }),
  sync: up(6, "ordered", "y-protocols message (sync step 1, step 2, update, awareness), Yjs update format V1.", { body: rest(LIMITS.syncBytes) }),
  chat: up(7, "ordered", "A line to everybody in the space.", { ref: u16, text: text(LIMITS.chatBytes) }),
  search: up(8, "ordered", "A question about the scene, from a point of view.", {
    ref: u16,
    ...question,
  }),
  poseNack: up(9, "droppable", "Sources whose references this viewer lacks: send them an intra block.", { slots: list(u16, LIMITS.nackSlots) }),
  take: up(20, "ordered", "As `grab`, to the millisecond, with one hand or both, and the object's scale: what today's clients send.", {
    seq: u16,
    object: ident,
    hand: hold,
    atMs: f64,
    gripMm: tuple(i16, 3),
    gripRotation: quat16,
    scale: f32,
    spanMm: u16,
  }),
  letGo: up(21, "ordered", "As `release`, with its time and the object's scale. Fast enough it is a throw (ARCHITECTURE.md).", {
    seq: u16,
    object: ident,
    atMs: f64,
    positionMm: vec3Mm,
    rotation: quat16,
    velocityMmS: tuple(i16, 3),
    spinMradS: tuple(i16, 3),
    scale: f32,
  }),
  presence: up(10, "ordered", "The headset was taken off or put on; asleep ends leases and pauses poses.", { state: oneOf("awake", "asleep") }),
  cas: up(26, "ordered", "Compare-and-set of a `cas` field: stands if `seen`, the Yjs id of the value this client shows, is still the newest.", {
    ref: u16,
    object: ident,
    field: ident,
    seen: maybe(record({ client: u32, clock: u32 })),
    value: plain,
  }),
  permit: up(27, "ordered", "A moderator changes who may do what: sets a rule, or takes it back to what the scene's definition says.", {
    ref: u16,
    scope: permissionScope,
    effect: oneOf("allow", "deny", "clear"),
  }),

  historyAsk: up(14, "ordered", "Who changed what, and when: of a person, an object, since a moment (empty or 0: of all).", {
    ref: u16,
    by: text(64),
    object: text(64),
    sinceMs: f64,
    limit: u8,
  }),
  rollback: up(15, "ordered", "Undoes a person's, an object's or a period's changes as a new edit; at least one of the three is named.", {
    ref: u16,
    by: text(64),
    object: text(64),
    sinceMs: f64,
  }),
  streamUp: up(16, "droppable", "Optional streams of this client, as the room asked for them: buttons and gestures, gaze, hand joints.", {
    body: rest(LIMITS.streamBodyBytes),
  }),
  quality: up(
    17,
    "ordered",
    "What this client could send (`offers`) and wants to get (`takes`) of the optional streams (1 joints, 2 controls, 4 gaze), what its view may cost (0: as the room judges), and how many people it wants in full.",
    { offers: u8, takes: u8, viewKbitPerS: u16, fullPeople: u16 },
  ),
  relation: up(24, "ordered", "What I decided about a person: mute (I do not hear them), block (neither sees or hears the other), friend.", {
    ref: u16,
    user: ident,
    mute: bool,
    block: bool,
    friend: bool,
  }),
  boundary: up(25, "ordered", "My personal space: strangers whose heads are nearer than this are not sent to me, nor I to them. 0: none.", {
    radiusMm: u16,
  }),
  report: up(28, "ordered", "Asks moderators to look at a person, an object or both (empty: none).", {
    ref: u16,
    user: text(64),
    object: text(64),
    reason: oneOf(...REPORT_REASONS),
    text: text(LIMITS.reportBytes),
  }),
  appeal: up(18, "ordered", "Asks moderators to look again at a measure about me; 0: the one that holds.", {
    ref: u16,
    measure: u32,
    text: text(LIMITS.reportBytes),
  }),
  watch: up(11, "ordered", "A standing question: answered now and whenever its answer changes, until `unwatch` or the session's end.", {
    ref: u16,
    ...question,
  }),
  unwatch: up(12, "ordered", "Ends a standing question.", { ref: u16 }),
  describe: up(13, "ordered", "What is here: the whole scene, or what is in view from a point of view (default: the asker's).", {
    ref: u16,
    view: bool,
    from: view,
  }),

  welcome: down(32, "ordered", "First message of a session.", {
    protocol: u16,
    slot: u16,
    session: ident,
    user: ident,
    role: ident,
    space: ident,
    region: ident,
    build: text(64),
    tickRateHz: u8,
    tick: u32,
    serverTimeMs: f64,
    rig: record({ positionMm: vec3Mm, yaw: u16 }),
    uplinkHz: u8,
    definition: text(64),
    epoch: u32,
  }),
  frame: down(33, "droppable", "Everybody's poses at one tick, as this viewer's interest and budget allow (layout below).", {
    body: rest(LIMITS.frameBytes),
  }),
  pong: down(34, "droppable", "Answer to `ping`; `slackMs` is how early the last pose sample came before the tick that used it (pacing).", {
    clientTimeMs: f64,
    serverTimeMs: f64,
    slackMs: i16,
  }),
  grabResult: down(35, "ordered", "The room's verdict on a claim.", {
    seq: u16,
    object: ident,
    granted: bool,
    reason: deniedReason,
    holder: u16,
    leaseMs: u32,
  }),
  syncDown: down(36, "ordered", "y-protocols message to the client.", { body: rest(LIMITS.syncDownBytes) }),
  ack: down(
    37,
    "ordered",
    "Cumulative: this session's first `updates` update messages, and these clocks, have reached `level`. Another `epoch` than before: the document was re-rooted, `clocks` names its root, and updates are ignored until a sync step 1 names that.",
    {
      epoch: u32,
      updates: u32,
      level: oneOf("memory", "disk", "replica"),
      clocks: list(record({ client: u32, clock: u32 }), 16),
    },
  ),
  denied: down(38, "ordered", "Something this session asked for was refused; nothing else was affected.", {
    ref: u16,
    reason: deniedReason,
    object: text(64),
    field: text(64),
    sentence: text(256),
  }),
  chatMessage: down(39, "ordered", "A chat line. `hidden`: moderation hid the text; only its author still gets it, with `ref`.", {
    id: u32,
    slot: u16,
    user: ident,
    ref: u16,
    atMs: f64,
    hidden: bool,
    text: text(LIMITS.chatBytes),
  }),
  searchResult: down(40, "ordered", "Answer to `search`, best first. `degraded`: the pipeline did not answer in time, lexical and spatial only.", {
    ref: u16,
    degraded: bool,
    hits,
  }),
  searchCount: down(49, "ordered", 'How many things a question of "how many" is about; comes before its `searchResult` or `watchResult`.', {
    ref: u16,
    count: u32,
  }),
  watchResult: down(50, "ordered", "The answer of a standing question, whole, whenever it changed.", {
    ref: u16,
    degraded: bool,
    hits,
  }),
  description: down(51, "ordered", "Answer to `describe`: sentences to read out, and the groups of things they are about.", {
    ref: u16,
    degraded: bool,
    text: text(LIMITS.descriptionBytes),
    objects: u32,
    people: u16,
    groups: list(record({ label: text(64), count: u16, position: tuple(f32, 3) }), LIMITS.descriptionGroups),
  }),
  storage: down(41, "ordered", "Whether edits are being made durable. While `bad` the document is read-only and poses go on.", {
    state: oneOf("good", "bad"),
    sentence: text(256),
  }),
  streamDemand: down(48, "ordered", "Which of the offered streams somebody watches now; with another `restart` than before, joints begin anew.", {
    streams: u8,
    restart: u8,
  }),
  history: down(
    52,
    "ordered",
    "Answer to `historyAsk`, newest first. The history begins at `startMs` (0: nothing was written yet); times are wall clock.",
    {
      ref: u16,
      startMs: f64,
      more: bool,
      entries: list(
        record({
          user: text(64),
          object: text(64),
          kind: oneOf("created", "changed", "deleted"),
          fields: list(text(64), 16),
          fromMs: f64,
          untilMs: f64,
          edits: u32,
        }),
        LIMITS.historyEntries,
      ),
    },
  ),
  rolledBack: down(53, "ordered", "A `rollback` is durable: so many objects were changed, and so many left as others have made them since.", {
    ref: u16,
    changed: u32,
    kept: u32,
  }),
  casResult: down(61, "ordered", "The room's verdict on a `cas`, once durable, and the value everybody sees now. `reason` counts only if it lost.", {
    ref: u16,
    object: ident,
    field: ident,
    won: bool,
    reason: deniedReason,
    current: plain,
  }),
  permissions: down(
    62,
    "ordered",
    "Rules that concern the receiver: with `all` every one in force, else those that changed. `allow` null: no rule any more.",
    {
      all: bool,
      rules: list(record({ scope: permissionScope, allow: maybe(bool) }), LIMITS.permissionRules),
    },
  ),
  unseen: down(56, "ordered", "This person is not sent to me any more, or is again (`seen`); `hidden` is for reasons that are not mine to know.", {
    slot: u16,
    why: oneOf("seen", "blocked", "boundary", "hidden"),
  }),
  reported: down(58, "ordered", "A report was taken.", { ref: u16, report: u32 }),
  measure: down(
    54,
    "ordered",
    "Moderation did something about me (`on`), or it ended; `measure` is what an appeal names, 0 where there is nothing to undo.",
    {
      measure: u32,
      what: oneOf("warn", "bubble", "mute", "freeze", "remove"),
      on: bool,
      sentence: text(256),
    },
  ),
  appealed: down(55, "ordered", "Whether an appeal was passed on to moderators.", { ref: u16, taken: bool }),
  uplink: down(46, "ordered", "Pose messages a second that anybody has use for from now on; the welcome's `uplinkHz` until the first one.", {
    hz: u8,
  }),
} as const satisfies Record<string, MessageSpec>;

type Table = typeof MESSAGES;
export type MessageName = keyof Table;
/** Values of one message: `MessageOf<"chat">` is `{ type: "chat"; ref: number; text: string }`. */
export type MessageOf<N extends MessageName> = N extends MessageName ? { readonly type: N } & RecordOf<Table[N]["fields"]> : never;
type NamesOf<D extends Direction> = { [N in MessageName]: Table[N]["direction"] extends D ? N : never }[MessageName];
export type UpMessage = MessageOf<NamesOf<"up">>;
export type DownMessage = MessageOf<NamesOf<"down">>;
