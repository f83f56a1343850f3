/**
 * Every bound of the wire and the room, each with its reason. Nothing that a peer can grow is without a line here.
 * The table in PROTOCOL.md is generated from `LIMITS`; PROMISES.md P20 tests each at limit-1, limit and limit+1.
 */
export const LIMITS = {
  /** Slots of one room: the pose plane's arrays are allocated for this many. */
  people: 1024,
  /** Client frame on the room socket except `sync`; bigger than any pose or chat message. */
  messageBytes: 4096,
  /** One Yjs update or sync step from a client (OBJECTS.md). */
  syncBytes: 65_536,
  /** One sync message to a client: the whole document on join. */
  syncDownBytes: 33_554_432,
  /** One frame to a viewer: 1 000 people at intra size still fit. */
  frameBytes: 65_536,
  /** Pose part of an uplink message: three samples of head and hands with optional hand joints. */
  uplinkBodyBytes: 1024,
  uplinkSamples: 3,
  /** Ordered client messages a second, sustained, and the burst that a reconnect may need. */
  orderedPerSecond: 100,
  orderedBurst: 400,
  /** Droppable client messages a second: 90 Hz poses, pings, NACKs, and slack for catching up after a stall. */
  droppablePerSecond: 240,
  droppableBurst: 480,
  /** Malformed messages a session may send before it is closed; the first is answered with a reason. */
  malformedStrikes: 3,
  displayNameBytes: 64,
  chatBytes: 1000,
  chatPerSecond: 2,
  chatBurst: 8,
  searchBytes: 256,
  searchHits: 32,
  searchTypes: 16,
  searchPerSecond: 5,
  nackSlots: 64,
  rigInputs: 32,
  labelBytes: 1000,
  /** Objects one person may hold at once: two hands and a pointer. */
  leasesPerPerson: 3,
  leaseMs: 10_000,
  /** Lag compensation for grabs never rewinds further than this. */
  rewindMs: 250,
  /** An ordered stream with more than this unsent is closed retryably and resynced. */
  orderedQueueBytes: 262_144,
  /** How long an ordered stream may make no progress. */
  orderedStallMs: 10_000,
  ticketBytes: 2048,
  ticketSeconds: 60,
  handshakeMs: 5000,
  joinMs: 2000,
  /** WebSocket clients on one address that have not finished their handshake. */
  pendingPerAddress: 64,
  bodyBytes: 16_384,
  pipelineEvents: 4096,
} as const;

export type LimitName = keyof typeof LIMITS;
