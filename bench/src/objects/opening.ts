/**
 * How long each server needs to open each recorded editing session: until the document is there, and until the room takes edits.
 *
 * [OP1] A server has just started, and has opened one other document: what a process does once for all its documents is no part of it.
 * [OP2] What was opened must be, object for object, what the recording says.
 * [OP3] Ready is when somebody has been sent an edit that somebody else made: none of the three acknowledges to a stock provider. Both are
 *       dialled at once, and the edit is sent as soon as both have the document, as a person would who opens a space and writes.
 * [OP4] Whoever is sent away comes back, and the time goes on: ours makes a document with many tombstones anew once, and a stock replica of the old
 *       one cannot stay.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createObject } from "@copresence/shared/scene";
import * as Y from "yjs";
import type { Figure } from "../report.ts";
import { dial, type Dialled, type DocClient } from "./doc-client.ts";
import type { Recording } from "./recordings.ts";
import { sorted } from "./replay.ts";
import { type Running, SERVERS, type ServerName, startServer } from "./servers.ts";
import { sketch } from "./sketch-scene.ts";

export type LoadScale = { readonly loads: number };
export const LOAD: LoadScale = { loads: 7 };

/** Below the 100 messages a second that a room takes from one connection. */
const PACE_MS = 11;
const STALLED_MS = 30_000;
const PART_STEPS = 8;
/** How often is looked whether somebody was sent away. */
const LOOK_MS = 20;

/** Times of every load, by server and session. */
type Times = Map<string, number[]>;

export async function loadTimes(
  folder: string,
  recordings: readonly Recording[],
  progress: (line: string) => void,
  { loads }: LoadScale = LOAD,
): Promise<Figure[]> {
  for (const name of SERVERS) {
    const server = await startServer(name, folder);
    progress(`filling ${name}`);
    await Promise.all(recordings.map((recording) => fill(server, recording)));
    // Hocuspocus stores what it has after two seconds of quiet, at the latest after ten.
    await pause(3000);
    await server.stop();
  }
  const [load, ready]: [Times, Times] = [new Map(), new Map()];
  for (let n = 0; n < loads; n++) {
    for (const name of SERVERS) {
      await opened(name, folder, recordings, load, (server, recording) => timed(server, `bench-${recording.name}`, recording));
      await opened(name, folder, recordings, ready, (server, recording) => timedReady(server, recording));
    }
    progress(`opened everything ${n + 1} of ${loads} times`);
  }
  return [...figuresOf("load", load, recordings, progress), ...figuresOf("ready", ready, recordings, progress)];
}

/** [OP1] */
async function opened(
  name: ServerName,
  folder: string,
  recordings: readonly Recording[],
  times: Times,
  time: (server: Running, recording: Recording) => Promise<number>,
): Promise<void> {
  const server = await startServer(name, folder);
  await timed(server, "bench-nothing");
  for (const recording of recordings) {
    const key = `${name} ${recording.name}`;
    times.set(key, [...(times.get(key) ?? []), await time(server, recording)]);
  }
  await server.stop();
}

/** The sum of the sessions' medians for each server, and the median of ours against the faster peer's. */
function figuresOf(what: "load" | "ready", times: Times, recordings: readonly Recording[], progress: (line: string) => void): Figure[] {
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  const of = (name: ServerName, recording: Recording): number => median(times.get(`${name} ${recording.name}`) ?? []);
  const ratios = recordings.map((recording) => {
    const [ours, hocuspocus, ywebsocket] = SERVERS.map((name) => of(name, recording)) as [number, number, number];
    progress(
      `${what} ${recording.name}: ours ${ours.toFixed(1)} ms, hocuspocus ${hocuspocus.toFixed(1)} ms, y-websocket ${ywebsocket.toFixed(1)} ms`,
    );
    return ours / Math.min(hocuspocus, ywebsocket);
  });
  const total = (name: ServerName): number => recordings.reduce((sum, recording) => sum + of(name, recording), 0);
  const ratio = median(ratios);
  const unit = "x of the faster peer (median of sessions)";
  const peer = "the faster of both";
  return [
    ...SERVERS.map((name): Figure => ({ id: `objects.${what}_ms_${name}`, value: total(name), unit: `ms for ${recordings.length} sessions` })),
    what === "load"
      ? { id: "objects.load_ratio", value: ratio, unit, bar: "<= 1", ok: ratio <= 1, peer }
      : { id: "objects.ready_ratio", value: ratio, unit, peer },
  ];
}

/** Resolves when somebody else who comes in is sent all of it. */
async function fill(server: Running, recording: Recording): Promise<void> {
  const client: DocClient = await dial(await server.dialled(`bench-${recording.name}`, 0));
  // A few dozen steps a message, so that it takes seconds: our room takes 1 000 structs in one.
  for (const update of inParts(recording)) {
    client.send(update);
    await pause(PACE_MS);
  }
  const sentMs = performance.now();
  for (let there = false; !there;) {
    await pause(250);
    const here = timed(server, `bench-${recording.name}`, recording);
    there = await here.then(
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

/** [OP3] */
async function timedReady(server: Running, recording: Recording): Promise<number> {
  const startMs = performance.now();
  let issuingMs = 0;
  for (let left: string | undefined; performance.now() - startMs < STALLED_MS;) {
    const beforeMs = performance.now();
    const ways = [await server.dialled(`bench-${recording.name}`, 0), await server.dialled(`bench-${recording.name}`, 1)] as const;
    issuingMs += performance.now() - beforeMs;
    left = await taken(ways);
    if (left === undefined) return performance.now() - startMs - issuingMs;
  }
  throw new Error(`${server.name}: an edit of ${recording.name} reached nobody.`);
}

/** Undefined once the second of two people has been sent what the first one wrote; why that will not be, when one of them was sent away [OP4]. */
async function taken(ways: readonly [Dialled, Dialled]): Promise<string | undefined> {
  const doc = new Y.Doc();
  createObject(doc, sketch, "page", `ready-${doc.clientID}`);
  let shown: () => void = () => undefined;
  const told = new Promise<undefined>((resolve) => (shown = () => resolve(undefined)));
  const hear = (update: Uint8Array): void => void (Y.decodeUpdate(update).structs.some(({ id }) => id.client === doc.clientID) && shown());
  const dialled = await Promise.allSettled([dial(ways[0]), dial(ways[1], () => undefined, hear)]);
  const clients = dialled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const [writer, reader] = clients;
  const over = new AbortController();
  const sentAway = async (): Promise<string | undefined> => {
    for (;;) {
      await pause(LOOK_MS, undefined, { signal: over.signal });
      const reason = writer?.sentAway() ?? reader?.sentAway();
      if (reason !== undefined) return reason;
    }
  };
  if (writer === undefined || reader === undefined) return "A connection was refused.";
  writer.send(Y.encodeStateAsUpdate(doc));
  const away = await Promise.race([told, sentAway().catch(() => undefined)]);
  over.abort();
  for (const client of clients) client.close();
  return away;
}
