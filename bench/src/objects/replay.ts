/**
 * Recorded editing sessions, replayed all at once by concurrent peers in one room of the real server; then how long each server needs to open
 * each of them.
 *
 * [RP1] A step is sent when the server has shown what its author had seen: positions mean what they meant, concurrency is what it was.
 * [RP2] What a newcomer is sent must be, object for object, what a single document with the same steps holds; where the recording says how its
 *       text ended and had one author, that too. (Authors who typed at the same place at the same time may end in another order with another
 *       CRDT than the one that recorded them.)
 */
import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import type { Figure } from "../report.ts";
import { dial, type DocClient } from "./doc-client.ts";
import { pageText, type Recording } from "./recordings.ts";
import { type Running, SERVERS, type ServerName, startServer } from "./servers.ts";

/** Below the 100 messages a second that a room takes from one connection. */
const PACE_MS = 11;
const STALLED_MS = 30_000;
const LOADS = 7;

/** Replays everything into one room; figures about exactness. */
export async function replay(server: Running, recordings: readonly Recording[], progress: (line: string) => void): Promise<Figure[]> {
  const startMs = performance.now();
  const room = "bench-replay";
  const authors = recordings.flatMap((recording) => recording.clients.map((_, author) => ({ recording, author })));
  const live = new Y.Doc();
  let movedMs = startMs;
  const onlooker = await dial(
    await server.dialled(room, 60),
    () => undefined,
    (update) => {
      movedMs = performance.now();
      Y.applyUpdate(live, update);
    },
  );
  const sent = await Promise.all(
    authors.map(async ({ recording, author }, person) => {
      const client = await dial(await server.dialled(room, person));
      const mine = recording.steps.filter((step) => step.author === author);
      const ends = endsOf(recording);
      for (const { update, needs } of mine) {
        const wanted = needs.map((count, other) => [recording.clients[other] ?? 0, count === 0 ? 0 : (ends[other]?.[count - 1] ?? 0)] as const);
        while (wanted.some(([other, clock]) => Y.getState(live.store, other) < clock)) {
          if (performance.now() - movedMs > STALLED_MS)
            throw new Error(`${recording.name}: what a step of author ${author} builds on never arrived.`);
          await pause(1);
        }
        client.send(update);
        await pause(PACE_MS);
      }
      return { client, steps: mine.length };
    }),
  );
  await settled(live, recordings);
  const newcomer = new Y.Doc();
  (await dial(await server.dialled(room, 61), (state) => Y.applyUpdate(newcomer, state))).close();
  for (const client of [onlooker, ...sent.map((each) => each.client)]) client.close();
  const objects = newcomer.getMap("objects").toJSON() as Record<string, unknown>;
  const wrong = recordings.filter((recording) =>
    Object.entries(recording.objects).some(([id, object]) => JSON.stringify(sorted(objects[id])) !== JSON.stringify(sorted(object))),
  );
  const ended = recordings.filter(({ endContent, clients }) => endContent !== undefined && clients.length === 1);
  const others = ended.filter(({ name, endContent }) => pageText(newcomer, name) !== endContent);
  progress(`replayed ${recordings.length} sessions by ${authors.length} people in ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  const edits = recordings.reduce((sum, recording) => sum + recording.edits, 0);
  return [
    { id: "objects.sessions_edits", value: edits, unit: "recorded edits" },
    {
      id: "objects.sessions_wrong",
      value: wrong.length + others.length,
      unit: `of ${recordings.length} sessions`,
      bar: "0",
      ok: wrong.length + others.length === 0,
    },
  ];
}

/** Clock of each author after each of their steps. */
function endsOf({ steps, clients }: Recording): number[][] {
  const ends: number[][] = clients.map(() => []);
  for (const { author, update } of steps) {
    let end = ends[author]?.at(-1) ?? 0;
    for (const { id, length } of Y.decodeUpdate(update).structs) end = Math.max(end, id.clock + length);
    ends[author]?.push(end);
  }
  return ends;
}

/** Until the onlooker has everything, deletions included. */
async function settled(live: Y.Doc, recordings: readonly Recording[]): Promise<void> {
  const beganMs = performance.now();
  const whole = (): boolean => {
    const objects = live.getMap("objects").toJSON() as Record<string, unknown>;
    return recordings.every((recording) =>
      Object.entries(recording.objects).every(([id, object]) => JSON.stringify(sorted(objects[id])) === JSON.stringify(sorted(object))),
    );
  };
  while (!whole() && performance.now() - beganMs < STALLED_MS) await pause(250);
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** From dialling a server that has just started to having the whole document; the median over sessions of ours against the faster peer's. */
export async function loadTimes(folder: string, recordings: readonly Recording[], progress: (line: string) => void): Promise<Figure[]> {
  for (const name of SERVERS) {
    const server = await startServer(name, folder);
    progress(`filling ${name}`);
    // One after the other: with nine at once the disk is late, and what waits for it makes concurrent text dear (integration-cost.ts).
    for (const recording of recordings) await fill(server, recording);
    // Hocuspocus stores what it has after two seconds of quiet, at the latest after ten.
    await pause(3000);
    await server.stop();
  }
  const times = new Map<string, number[]>();
  for (let load = 0; load < LOADS; load++) {
    for (const name of SERVERS) {
      const server = await startServer(name, folder);
      // What a process does once for all its documents is no part of it.
      await timed(server, "bench-nothing");
      for (const recording of recordings) {
        const key = `${name} ${recording.name}`;
        times.set(key, [...(times.get(key) ?? []), await timed(server, `bench-${recording.name}`, recording)]);
      }
      await server.stop();
    }
    progress(`opened everything ${load + 1} of ${LOADS} times`);
  }
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  const of = (name: ServerName, recording: Recording): number => median(times.get(`${name} ${recording.name}`) ?? []);
  const ratios = recordings.map((recording) => {
    const [ours, hocuspocus, ywebsocket] = SERVERS.map((name) => of(name, recording)) as [number, number, number];
    progress(
      `opening ${recording.name}: ours ${ours.toFixed(1)} ms, hocuspocus ${hocuspocus.toFixed(1)} ms, y-websocket ${ywebsocket.toFixed(1)} ms`,
    );
    return ours / Math.min(hocuspocus, ywebsocket);
  });
  const total = (name: ServerName): number => recordings.reduce((sum, recording) => sum + of(name, recording), 0);
  const ratio = median(ratios);
  return [
    ...SERVERS.map((name): Figure => ({ id: `objects.load_ms_${name}`, value: total(name), unit: `ms for ${recordings.length} sessions` })),
    {
      id: "objects.load_ratio",
      value: ratio,
      unit: "x of the faster peer (median of sessions)",
      bar: "<= 1",
      ok: ratio <= 1,
      peer: "the faster of both",
    },
  ];
}

/** Resolves when somebody else who comes in is sent all of it. */
export async function fill(server: Running, recording: Recording): Promise<void> {
  const client: DocClient = await dial(await server.dialled(`bench-${recording.name}`, 0));
  // A few dozen steps a message, so that it takes seconds: our room takes 1 000 structs in one.
  for (const update of inParts(recording)) {
    client.send(update);
    await pause(PACE_MS);
  }
  const sentMs = performance.now();
  for (let there = false; !there;) {
    await pause(250);
    const opened = timed(server, `bench-${recording.name}`, recording);
    there = await opened.then(
      () => true,
      (error: unknown) => {
        const away = client.sentAway();
        if (away !== undefined) throw new Error(`${server.name}, filling ${recording.name}: ${away}`);
        if (performance.now() - sentMs > STALLED_MS) throw error;
        return false;
      },
    );
  }
  client.close();
}

const PART_STEPS = 8;

function inParts({ steps }: Recording): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < steps.length; at += PART_STEPS) parts.push(Y.mergeUpdates(steps.slice(at, at + PART_STEPS).map(({ update }) => update)));
  return parts;
}

async function timed(server: Running, room: string, recording?: Recording): Promise<number> {
  const way = await server.dialled(room, 0);
  const startMs = performance.now();
  let state = new Uint8Array();
  const client = await dial(way, (bytes) => (state = bytes.slice()));
  const tookMs = performance.now() - startMs;
  client.close();
  if (recording !== undefined) {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, state);
    const objects = doc.getMap("objects").toJSON() as Record<string, unknown>;
    for (const [id, object] of Object.entries(recording.objects))
      if (JSON.stringify(sorted(objects[id])) !== JSON.stringify(sorted(object)))
        throw new Error(`${server.name} opened ${recording.name} with another ${id}.`);
  }
  return tookMs;
}
