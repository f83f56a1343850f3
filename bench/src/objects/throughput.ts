/**
 * Edits a second in rooms in which everybody sees everybody's edits: ours, each durable before anybody sees it, against servers that send
 * first and store later. The same updates from the same driver over the same y-protocols; the servers take turns.
 *
 * [TH1] An edit counts when an onlooker has received it. Each writer has at most WINDOW edits on their way: nobody is flooded, and a server is
 *       as fast as it answers.
 * [TH2] Writers keep below the 100 messages a second that our room takes from one connection, at all servers alike. There are rooms enough that
 *       no server keeps up with all their writers: what is measured is the server, not the pace (`objects.offered_per_s`).
 */
import { setTimeout as pause } from "node:timers/promises";
import { createObject, textField } from "@copresence/shared/scene";
import * as Y from "yjs";
import type { Figure } from "../report.ts";
import { dial } from "./doc-client.ts";
import { type Running, SERVERS, type ServerName } from "./servers.ts";
import { sketch } from "./sketch-scene.ts";

export type ThroughputScale = { readonly rooms: number; readonly writers: number; readonly editsEach: number; readonly rounds: number };
export const THROUGHPUT: ThroughputScale = { rooms: 4, writers: 56, editsEach: 100, rounds: 3 };

const WINDOW = 8;
const PACE_MS = 11;
const ROUND_MS = 60_000;
const FIRST_CLIENT = 1000;

/** `ends`: the author's clock after each update. */
type Typist = { readonly updates: readonly Uint8Array[]; readonly ends: readonly number[] };
type Round = { readonly editsPerS: number; readonly cpuUs: number };

export async function throughput(running: readonly Running[], scale: ThroughputScale, progress: (line: string) => void): Promise<Figure[]> {
  const rounds = new Map<ServerName, Round[]>(SERVERS.map((name) => [name, []]));
  const people = Array.from({ length: scale.writers }, (_, index) => typist(index, scale.editsEach));
  await Promise.all(running.map(async (server) => allRooms(server, "bench-warm", 1, people.slice(0, 8))));
  for (let round = 0; round < scale.rounds; round++) {
    for (const server of running) {
      const result = await allRooms(server, `bench-${round}`, scale.rooms, people);
      rounds.get(server.name)?.push(result);
      progress(`round ${round + 1}: ${server.name} ${result.editsPerS.toFixed(0)} edits/s, ${result.cpuUs.toFixed(0)} us of its CPU each`);
    }
  }
  const median = (name: ServerName, of: (round: Round) => number): number => {
    const sorted = (rounds.get(name) ?? []).map(of).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? Number.NaN;
  };
  const rate = (name: ServerName) => median(name, ({ editsPerS }) => editsPerS);
  const cpu = (name: ServerName) => median(name, ({ cpuUs }) => cpuUs);
  const against = (id: string, name: ServerName, peer: string): Figure[] => [
    { id: `objects.${name}_edits_per_s`, value: rate(name), unit: "edits/s", peer },
    { id: `objects.${name}_cpu_us`, value: cpu(name), unit: "us of the server per edit", peer },
    { id, value: rate("ours") / rate(name), unit: "x (edits/s)", bar: ">= 1", ok: rate("ours") >= rate(name), peer },
  ];
  return [
    { id: "objects.offered_per_s", value: (scale.rooms * scale.writers * 1000) / PACE_MS, unit: "edits/s that the writers could make" },
    { id: "objects.edits_per_s", value: rate("ours"), unit: "edits/s" },
    { id: "objects.cpu_us", value: cpu("ours"), unit: "us of the server per edit" },
    ...against("objects.vs_hocuspocus", "hocuspocus", "@hocuspocus/server 4.7 with extension-sqlite's SQL on node:sqlite"),
    ...against("objects.vs_ywebsocket", "ywebsocket", "@y/websocket-server 0.1.5, every update stored, not fsynced"),
  ];
}

/** One person's updates: a page, then one letter after the other. */
function typist(index: number, edits: number): Typist {
  const doc = new Y.Doc();
  doc.clientID = FIRST_CLIENT + index;
  const updates: Uint8Array[] = [];
  const ends: number[] = [];
  doc.on("update", (update: Uint8Array) => {
    updates.push(update);
    ends.push(Y.getState(doc.store, doc.clientID));
  });
  createObject(doc, sketch, "page", `page-${index}`);
  const text = textField(doc, `page-${index}`, "body") as Y.Text;
  for (let n = 1; n < edits; n++) text.insert((n * 7919) % (text.length + 1), String.fromCodePoint(97 + (n % 26)));
  return { updates, ends };
}

/** Everybody is inside before anybody writes; ends when every room's onlooker has seen everything. */
async function allRooms(server: Running, name: string, rooms: number, people: readonly Typist[]): Promise<Round> {
  const entered: Entered[] = [];
  // One after the other: no server lets hundreds of handshakes of one address in at once.
  for (let room = 0; room < rooms; room++) entered.push(await enter(server, `${name}-${room}`, people));
  const total = entered.reduce((sum, room) => sum + room.total, 0);
  const cpuBefore = server.cpuMs();
  const startMs = performance.now();
  await Promise.all(entered.map((room) => room.write()));
  const tookMs = performance.now() - startMs;
  const cpuMs = server.cpuMs() - cpuBefore;
  for (const room of entered) room.leave();
  return { editsPerS: (total * 1000) / tookMs, cpuUs: (cpuMs * 1000) / total };
}

type Entered = { readonly total: number; readonly write: () => Promise<void>; readonly leave: () => void };

async function enter(server: Running, room: string, people: readonly Typist[]): Promise<Entered> {
  const total = people.reduce((sum, { updates }) => sum + updates.length, 0);
  const arrived = new Map<number, number>();
  let seen = 0;
  let finish: () => void = () => undefined;
  const everything = new Promise<void>((resolve) => (finish = resolve));
  const onlooker = await dial(
    await server.dialled(room, people.length),
    () => undefined,
    (update) => {
      // A server may send several edits as one update.
      for (const { id, length } of Y.decodeUpdate(update).structs) {
        const author = id.client - FIRST_CLIENT;
        const ends = people[author]?.ends ?? [];
        let count = arrived.get(author) ?? 0;
        while (count < ends.length && (ends[count] as number) <= id.clock + length) {
          count++;
          seen++;
        }
        arrived.set(author, count);
      }
      if (seen === total) finish();
    },
  );
  const writers = await Promise.all(people.map(async (_, index) => dial(await server.dialled(room, index))));
  const write = async (): Promise<void> => {
    const startMs = performance.now();
    const writing = people.map(async ({ updates }, index) => {
      const writer = writers[index];
      for (const [n, update] of updates.entries()) {
        const dueMs = startMs + n * PACE_MS;
        while (n - (arrived.get(index) ?? 0) >= WINDOW || performance.now() < dueMs) {
          if (performance.now() - startMs > ROUND_MS) return;
          await pause(Math.max(1, dueMs - performance.now()));
        }
        writer?.send(update);
      }
    });
    const tooLate = new AbortController();
    await Promise.race([everything, pause(ROUND_MS, undefined, { signal: tooLate.signal }).catch(() => undefined)]);
    tooLate.abort();
    await Promise.all(writing);
    if (seen < total) throw new Error(`${server.name}: the onlooker saw ${seen} of ${total} edits.`);
  };
  const leave = (): void => {
    for (const client of [onlooker, ...writers]) client.close();
  };
  return { total, write, leave };
}
