/**
 * Every bound of the wire and the room, each with its unit and its reason. Nothing that a peer can grow is without a line here.
 * The table in PROTOCOL.md is generated from `LIMIT_TABLE`; code reads `LIMITS`. PROMISES.md P20 tests each at limit-1, limit and limit+1.
 */
export type Limit = { readonly max: number; readonly unit: string; readonly why: string };

const limit = <const N extends number>(max: N, unit: string, why: string): { readonly max: N; readonly unit: string; readonly why: string } => ({
  max,
  unit,
  why,
});

export const LIMIT_TABLE = {
  people: limit(1024, "people", "Slots of one room: the pose plane's arrays are allocated for this many."),
  messageBytes: limit(4096, "bytes", "Client frame on the room socket except `sync`; bigger than any pose or chat message."),
  syncBytes: limit(65_536, "bytes", "One Yjs update or sync step from a client."),
  updateStructs: limit(1000, "structs", "New Yjs structs and delete ranges of one update together: what can be judged and applied in a few ms."),
  syncDownBytes: limit(33_554_432, "bytes", "One sync message to a client: the whole document on join."),
  frameBytes: limit(65_536, "bytes", "One frame to a viewer: 1 000 people at intra size still fit."),
  uplinkBodyBytes: limit(1024, "bytes", "Pose part of an uplink message: three samples of head and hands."),
  streamBodyBytes: limit(768, "bytes", "Optional streams in one message: both hands' joints whole, buttons, gaze."),
  uplinkSamples: limit(3, "samples", "Pose samples in one uplink message: 90 Hz sent 30 times a second."),
  orderedPerSecond: limit(100, "messages/s", "Ordered client messages, sustained."),
  orderedBurst: limit(400, "messages", "Ordered client messages at once: what a reconnect may need."),
  droppablePerSecond: limit(240, "messages/s", "Droppable client messages: 90 Hz poses, pings, NACKs, and slack for catching up after a stall."),
  droppableBurst: limit(480, "messages", "Droppable client messages at once: two seconds of the sustained rate."),
  presencePerSecond: limit(1, "messages/s", "Falling asleep and waking up, sustained: each is told to everybody."),
  presenceBurst: limit(10, "messages", "Falling asleep and waking up at once: a headset that slips off and on."),
  docPeers: limit(64, "sessions", "Stock Yjs editors on one document; each costs a broadcast per edit."),
  docPeersPerPerson: limit(8, "sessions", "Stock Yjs editors of one person: nobody takes all the places."),
  malformedStrikes: limit(3, "messages", "Malformed messages a session may send before it is closed; the first is answered with a reason."),
  displayNameBytes: limit(64, "bytes", "A name people see above an avatar."),
  chatBytes: limit(1000, "bytes", "One chat line."),
  chatPerSecond: limit(2, "lines/s", "Chat lines of one person, sustained: faster than people read."),
  chatBurst: limit(8, "lines", "Chat lines of one person at once."),
  searchBytes: limit(256, "bytes", "One search query."),
  searchHits: limit(32, "hits", "Hits of one search answer: more than a person looks through."),
  searchTypes: limit(16, "types", "Object types one search may filter by."),
  watchesPerPerson: limit(4, "queries", "Standing questions of one person; each is asked again as the scene changes."),
  descriptionBytes: limit(1500, "bytes", "A description of a scene or view: what somebody listens to in half a minute."),
  descriptionGroups: limit(16, "groups", "Groups of things in a description, the largest first."),
  searchPerSecond: limit(5, "queries/s", "Searches of one person: search as you type."),
  relations: limit(1000, "people", "People one person may have muted, blocked or befriended."),
  boundaryMm: limit(2500, "mm", "The largest personal space: beyond it a room of strangers would be empty."),
  reportBytes: limit(500, "bytes", "What somebody writes in a report."),
  nackSlots: limit(64, "people", "Sources one NACK may name; the rest follow in the next."),
  rigInputs: limit(32, "inputs", "Locomotion inputs in one message: 1.6 s at the longest step, so a short stall loses none."),
  labelBytes: limit(1000, "bytes", "The text of a label as messages carry it."),
  leasesPerPerson: limit(3, "objects", "Objects one person may hold at once: two hands and a pointer."),
  leaseMs: limit(10_000, "ms", "How long a hold lasts without being renewed."),
  rewindMs: limit(250, "ms", "Lag compensation for grabs never rewinds further than this."),
  orderedQueueBytes: limit(262_144, "bytes", "An ordered stream with more than this unsent is closed retryably and resynced."),
  orderedStallMs: limit(10_000, "ms", "How long an ordered stream may make no progress."),
  ticketBytes: limit(2048, "bytes", "A join ticket."),
  ticketSeconds: limit(60, "s", "How long a join ticket may live."),
  handshakeMs: limit(5000, "ms", "An upgrade or a matchmaking request that is not complete by then is dropped."),
  joinMs: limit(2000, "ms", "A join that waits for anything behind the room fails by then."),
  pendingPerAddress: limit(64, "connections", "WebSocket clients on one address that have not finished their handshake."),
  bodyBytes: limit(16_384, "bytes", "The body of an HTTP request."),
  plainBytes: limit(3072, "bytes", "A string that is compared and set: 1 000 UTF-16 units at their longest."),
  permissionRules: limit(512, "rules", "Permission rules of one space: the definition's and as many set while it runs."),
  historyEntries: limit(100, "entries", "Entries of one history answer: a page."),
  recallsPending: limit(8, "questions", "Questions about a space's past that may wait: each replays its log."),
  pipelineEvents: limit(4096, "events", "Texts and searches of one space that wait for the side pipeline."),
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMIT_TABLE;

/** The bounds alone, by name: what code compares with. */
export const LIMITS = Object.fromEntries(Object.entries(LIMIT_TABLE).map(([name, { max }]) => [name, max])) as {
  readonly [N in LimitName]: (typeof LIMIT_TABLE)[N]["max"];
};
