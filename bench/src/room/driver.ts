/**
 * The load: many clients of one kind in one process, none of which looks at what it gets closer than its kind requires. Talks to the bench
 * as a child (child.ts): `connect`, `measure`, `begin`, `end`, `pause`, `resume`, `say`, `crowd`, `leaveOut`, `ages`, `heard`, `closings`.
 *
 * [DV1] Each client's messages leave at its own phase of the period, as unsynchronised headsets' do.
 * [DV2] When a room began is the smallest of all its clients' estimates, from welcomes and pongs: they share a clock, and the quickest of
 *       thousands of answers takes as long from one room as from another.
 * [DV3] Rooms of one server begin equal parts of a period apart, within ASTRAY_MS, so that their ticks keep out of each other's way.
 */
import { decodeDown, encodeMessage, ENVELOPE_BYTES, messageId, PROTOCOL_VERSION, ROOM_DATA_BYTES } from "@copresence/shared/protocol";
import { epochMs, pause, serve } from "./child.ts";
import { CrowdMotion } from "./crowd.ts";
import { LightSocket } from "./light-socket.ts";

export type Kind = "ours" | "raw" | "colyseus" | "json";
export type Connect = {
  readonly kind: Kind;
  readonly url: string;
  readonly count: number;
  /** Messages a second and client; 0: they only watch. */
  readonly uplinkHz: number;
  readonly tickRateHz: number;
  readonly seed: number;
  /** Folder of recordings to move by, in place of synthetic people. */
  readonly traces: string | undefined;
  /** Which of the server's rooms, 0 by default, of how many. */
  readonly room?: number;
  readonly rooms?: number;
  /** How many there will be at most, in this room; as many as there are by default. */
  readonly most?: number;
};
export type Measured = {
  readonly seconds: number;
  /** Messages and bytes received by all clients; frames only, for kinds that have frames. */
  readonly messages: number;
  readonly bytes: number;
  readonly messagesSent: number;
  /** Age of frames on arrival (since their tick's time), ms, over all clients but the paused. */
  readonly ageP50Ms: number;
  readonly ageP99Ms: number;
  /** Fewest and most frames a second that any client (but paused ones) got. */
  readonly leastHz: number;
};
export type Closing = { readonly index: number; readonly code: number; readonly atMs: number };
/** Where in the room's order of slots a client stands. */
export type Standing = { readonly index: number; readonly slot: number };
/** Ids of the chat lines each client got, in order. */
export type Heard = readonly (readonly number[])[];

const JOIN_ROOM = 10;
const FRAME = messageId("frame");
const WELCOME = messageId("welcome");
const CHAT = messageId("chatMessage");
const PONG = messageId("pong");
const ASTRAY_MS = 3;
const ROOM_TRIES = 60;
const PROBES = 4;
const PROBE_MS = 5;
const PING_MS = 500;
const OPENING = 8;
const JOIN_TRIES = 5;
const JOIN_AGAIN_MS = 500;
/** The raw limit's pongs are shorter than any of its frames. */
const LEAST_FRAME = 64;
const AGES = 1 << 21;
/** An entity of networked-aframe with head and two hands, as JSON: what POSE.md's 9 280 bits are. */
const JSON_BYTES = 1160;

type Client = {
  readonly index: number;
  readonly room: number;
  readonly socket: LightSocket;
  slot: number;
  frames: number;
  lastTick: number;
  lastAtMs: number;
  dueMs: number;
  pingMs: number;
  paused: boolean;
  gone: boolean;
  /** Its frames' ages count. */
  counted: boolean;
  readonly lines: number[];
};

const clients: Client[] = [];
const closings: Closing[] = [];
const ages = new Float32Array(AGES);
const ageRooms = new Uint8Array(AGES);
let ageCount = 0;
type Room = {
  readonly space: string;
  /** When it began, of this process's clock; infinity before anybody is in. */
  startedMs: number;
};
const rooms: Room[] = [];
let load: Connect | undefined;
/** By room: a crowd is cheap to ask for one moment after another, not for those of several rooms in turn. */
const motions: CrowdMotion[] = [];
let measuring = false;
let messages = 0;
let bytes = 0;
let sent = 0;
let timer: NodeJS.Timeout | undefined;

async function connect(options: Connect): Promise<number> {
  load = options;
  const { room = 0, most = clients.length + options.count } = options;
  if ((motions[room]?.count ?? 0) < most) motions[room] = new CrowdMotion(most, options.seed, options.traces);
  const first = clients.length;
  let next = 0;
  if (rooms[room] === undefined) {
    rooms[room] = { space: "bench", startedMs: Number.POSITIVE_INFINITY };
    if (options.kind === "ours") clients.push(await openRoom(options, first + next++));
  }
  const open = async (): Promise<void> => {
    while (next < options.count) clients.push(await openOne(options, first + next++));
  };
  await Promise.all(Array.from({ length: OPENING }, open));
  if (timer === undefined) beat();
  return clients.length;
}

/** [DV3] When a room begins after it is asked for cannot be foreseen well enough: one that began at a bad moment is left again. */
async function openRoom(options: Connect, index: number): Promise<Client> {
  const { room: number = 0, rooms: of = 1, tickRateHz } = options;
  const periodMs = 1000 / tickRateHz;
  for (let tries = 1; ; tries++) {
    const room: Room = { space: `bench-${number}-${tries}`, startedMs: Number.POSITIVE_INFINITY };
    rooms[number] = room;
    const client = await openOne(options, index);
    // The welcome is slow to come; the quickest of a few pongs says when the room began.
    for (let i = 0; i < PROBES; i++) {
      client.socket.send(encodeMessage({ type: "ping", clientTimeMs: 0 }));
      await pause(PROBE_MS);
    }
    const behindMs = room.startedMs - (rooms[0] as Room).startedMs - (number * periodMs) / of;
    const astrayMs = Math.abs(behindMs - Math.round(behindMs / periodMs) * periodMs);
    if (astrayMs <= ASTRAY_MS || tries === ROOM_TRIES) return client;
    client.socket.onClosed = () => {};
    client.socket.destroy();
  }
}

async function openOne(options: Connect, index: number): Promise<Client> {
  const { room = 0 } = options;
  const path = options.kind === "ours" ? await patientSeat(options, index) : "/";
  const socket = await LightSocket.open(options.url, path);
  const client: Client = {
    index,
    room,
    socket,
    slot: index,
    frames: 0,
    lastTick: 0,
    lastAtMs: 0,
    dueMs: Number.POSITIVE_INFINITY,
    pingMs: 0,
    paused: false,
    gone: false,
    counted: true,
    lines: [],
  };
  socket.onClosed = (code) => {
    client.gone = true;
    closings.push({ index, code, atMs: epochMs() });
  };
  await new Promise<void>((resolve) => {
    const ready = (): void => {
      const nowMs = performance.now();
      if (options.uplinkHz > 0) client.dueMs = nowMs + Math.random() * (1000 / options.uplinkHz);
      resolve();
    };
    socket.onMessage = (data) => receive(options.kind, client, data, ready);
    if (options.kind === "raw" || options.kind === "json") ready();
  });
  return client;
}

/** As the SDK does: a refusal that is worth another try gets one. */
async function patientSeat(options: Connect, index: number): Promise<string> {
  for (let left = JOIN_TRIES; ; left--) {
    try {
      return await seat(options, index);
    } catch (error) {
      if (left <= 1 || !(error instanceof Refused) || !error.retryable) throw error;
      await pause(JOIN_AGAIN_MS);
    }
  }
}

class Refused extends Error {
  readonly retryable: boolean;
  constructor(path: string, answer: Record<string, unknown>) {
    super(`${path}: ${JSON.stringify(answer)}`);
    this.retryable = answer["retryable"] === true;
  }
}

/** Ticket, matchmaking, and the path of the seat. */
async function seat(options: Connect, index: number): Promise<string> {
  const { url, room = 0 } = options;
  const { space } = rooms[room] as Room;
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Record<string, unknown>> => {
    const response = await fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Refused(path, answer);
    return answer;
  };
  const { ticket } = await post("/dev/ticket", { space, name: `P${index}`, role: "member" });
  const given = await post(
    "/matchmake/joinOrCreate/space",
    { space, protocol: PROTOCOL_VERSION, sdk: "bench" },
    { authorization: `Bearer ${String(ticket)}` },
  );
  return `/${String(given["processId"])}/${String(given["roomId"])}?sessionId=${String(given["sessionId"])}`;
}

function receive(kind: Kind, client: Client, data: Buffer, ready: () => void): void {
  if (data[0] === JOIN_ROOM && (kind === "ours" || kind === "colyseus")) {
    client.socket.send(Uint8Array.of(JOIN_ROOM));
    if (kind === "colyseus") ready();
    return;
  }
  if (kind !== "ours") {
    if (kind !== "raw" || data.length > LEAST_FRAME) count(client, data.length);
    return;
  }
  if (data[0] !== ROOM_DATA_BYTES) return;
  if (data[1] === WELCOME) welcomed(client, data, ready);
  else if (data[1] === FRAME) framed(client, data);
  else if (data[1] === PONG) {
    const decoded = decodeDown(PONG, data.subarray(ENVELOPE_BYTES));
    if (decoded.ok && decoded.value.type === "pong") beganAt(client.room, performance.now() - decoded.value.serverTimeMs);
  } else if (data[1] === CHAT) {
    const decoded = decodeDown(CHAT, data.subarray(ENVELOPE_BYTES));
    if (decoded.ok && decoded.value.type === "chatMessage") client.lines.push(decoded.value.id);
  }
}

function welcomed(client: Client, data: Buffer, ready: () => void): void {
  const decoded = decodeDown(WELCOME, data.subarray(ENVELOPE_BYTES));
  if (!decoded.ok || decoded.value.type !== "welcome") throw new Error("the welcome does not decode");
  client.slot = decoded.value.slot;
  beganAt(client.room, performance.now() - decoded.value.serverTimeMs);
  ready();
}

/** [DV2] */
function beganAt(number: number, estimateMs: number): void {
  const room = rooms[number] as Room;
  if (estimateMs < room.startedMs) room.startedMs = estimateMs;
}

function framed(client: Client, data: Buffer): void {
  const nowMs = performance.now();
  client.lastTick = data.readUInt32LE(3);
  client.lastAtMs = nowMs;
  if (measuring && client.counted && !client.paused && load !== undefined && ageCount < AGES) {
    ages[ageCount] = nowMs - (rooms[client.room] as Room).startedMs - (client.lastTick * 1000) / load.tickRateHz;
    ageRooms[ageCount++] = client.room;
  }
  count(client, data.length);
}

function count(client: Client, length: number): void {
  if (!measuring) return;
  client.frames++;
  messages++;
  bytes += length;
}

/** Every two milliseconds: whoever is due sends. */
function beat(): void {
  timer = setTimeout(beat, 2);
  if (load === undefined || load.uplinkHz === 0) return;
  const nowMs = performance.now();
  const periodMs = 1000 / load.uplinkHz;
  for (const client of clients) {
    if (nowMs < client.dueMs || client.paused) continue;
    client.dueMs = nowMs - client.dueMs > periodMs ? nowMs + periodMs : client.dueMs + periodMs;
    uplink(load.kind, client, nowMs);
    sent++;
  }
}

function uplink(kind: Kind, client: Client, nowMs: number): void {
  if (kind === "json") return client.socket.send(jsonUpdate(client.index));
  if (kind === "colyseus") return client.socket.send(floats(client, nowMs));
  const echoAge = Math.max(0, Math.min(255, Math.round(nowMs - client.lastAtMs))) || 0;
  const roomMs = kind === "ours" ? nowMs - (rooms[client.room] as Room).startedMs : nowMs;
  client.socket.send(motionOf(client).message(client.slot, roomMs, client.lastTick, echoAge));
  if (nowMs - client.pingMs < PING_MS) return;
  client.pingMs = nowMs;
  client.socket.send(encodeMessage({ type: "ping", clientTimeMs: nowMs }));
}

const motionOf = (client: Client): CrowdMotion => motions[client.room] as CrowdMotion;

const pose = new Float64Array(21);
function floats(client: Client, nowMs: number): Uint8Array {
  motionOf(client).pose(client.index, nowMs, pose);
  const out = new Uint8Array(2 + 21 * 4);
  out[0] = ROOM_DATA_BYTES;
  out[1] = 1;
  new Uint8Array(out.buffer, 2).set(new Uint8Array(Float32Array.from(pose).buffer));
  return out;
}

const padding = "x".repeat(JSON_BYTES);
function jsonUpdate(index: number): string {
  const head = `{"from":"client-${index}","dataType":"u","data":{"networkId":"n${index}","components":"`;
  return `${head}${padding.slice(0, JSON_BYTES - head.length - 3)}"}}`;
}

function begin(): void {
  messages = bytes = sent = ageCount = 0;
  for (const client of clients) client.frames = 0;
  measuring = true;
}

async function measure({ ms }: { readonly ms: number }): Promise<Measured> {
  begin();
  const startMs = performance.now();
  await pause(ms);
  measuring = false;
  const seconds = (performance.now() - startMs) / 1000;
  const sorted = ages.slice(0, ageCount).sort();
  const active = clients.filter((client) => !client.paused);
  return {
    seconds,
    messages,
    bytes,
    messagesSent: sent,
    ageP50Ms: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
    ageP99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    leastHz: Math.min(...active.map(({ frames }) => frames)) / seconds,
  };
}

const clientOf = (index: number): Client => {
  const client = clients.find((each) => each.index === index);
  if (client === undefined) throw new Error(`there is no client ${index}`);
  return client;
};

serve({
  connect,
  measure,
  begin,
  end: () => {
    measuring = false;
  },
  /** The client stands still, as a frozen tab does: it neither reads nor sends. */
  pause: ({ index }: { readonly index: number }) => {
    const client = clientOf(index);
    client.paused = true;
    client.socket.pause();
    return epochMs();
  },
  resume: ({ index }: { readonly index: number }) => clientOf(index).socket.resume(),
  say: ({ index, text }: { readonly index: number; readonly text: string }) =>
    clientOf(index).socket.send(encodeMessage({ type: "chat", ref: 1, text })),
  /** Who is in a room, in the order in which the room sends. */
  crowd: ({ room }: { readonly room: number }): Standing[] =>
    clients
      .filter((client) => client.room === room && !client.gone)
      .map(({ index, slot }) => ({ index, slot }))
      .sort((a, b) => a.slot - b.slot),
  /** The ages of these clients' frames do not count; everybody else's do. */
  leaveOut: ({ indices }: { readonly indices: readonly number[] }) => {
    for (const client of clients) client.counted = !indices.includes(client.index);
  },
  /** Of the last measured stretch, us. */
  ages: ({ room }: { readonly room: number }): number[] =>
    Array.from(
      ages.subarray(0, ageCount).filter((_, i) => ageRooms[i] === room),
      (ms) => Math.round(ms * 1000),
    ),
  /** When in the period of the first room each room's ticks are due, ms. */
  phases: (): number[] => rooms.map(({ startedMs }) => (startedMs - (rooms[0] as Room).startedMs) % (1000 / (load?.tickRateHz ?? 1))),
  heard: (): Heard => [...clients].sort((a, b) => a.index - b.index).map(({ lines }) => lines),
  closings: () => closings,
});
