/**
 * Recorded editing sessions, replayed all at once by concurrent peers in one room of the real server.
 *
 * [RP1] A step is sent when the server has shown what its author had seen: positions mean what they meant, concurrency is what it was.
 * [RP2] What a newcomer is sent must be, object for object, what a single document with the same steps holds; where the recording says how its
 *       text ended and had one author, that too. (Authors who typed at the same place at the same time may end in another order with another
 *       CRDT than the one that recorded them.)
 */
import { setTimeout as pause } from "node:timers/promises";
import * as Y from "yjs";
import type { Figure } from "../report.ts";
import { dial } from "./doc-client.ts";
import { pageText, type Recording } from "./recordings.ts";
import type { Running } from "./servers.ts";

/** Below the 100 messages a second that a room takes from one connection. */
const PACE_MS = 11;
const STALLED_MS = 30_000;

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

/** Keys in order, all the way down: for comparing. */
export function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
