/**
 * What Redis holds about a person, in the shape in which an operator's commands ask everything that keeps anything
 * (`npm run scenes -- export-person|erase-person`): texts of theirs that nobody has judged yet, or that were given up.
 *
 * [RK1] Texts are found by the person's pseudonym (EW4) in every part's stream, delivered to a worker or not, and among the dead.
 * [RK2] A question names nobody, and a description tells of many: those that nobody waits for any more go with whoever is erased, and so do
 *       all that were given up.
 * [RK3] A deleted event is not sent again: who was to be told of a text has had the reduced form's verdict long before (SP2).
 */
import { err, ok, type Result } from "@copresence/shared/base";
import { GROUP, keysOf } from "./keys.ts";
import { type Link, openLink, troubleOf } from "./link.ts";
import type { RedisOptions } from "./redis-carrier.ts";
import { pseudonymOf, readPosted } from "./wire.ts";

const PAGE = 256;

type Text = { readonly scene: string; readonly atMs: number; readonly text: string; readonly givenUp: boolean };
type Entry = { readonly stream: string; readonly id: string; readonly atMs: number; readonly json: string };
export type RedisKeeper = {
  readonly keeps: "redis";
  exportPerson(user: string): Promise<Result<readonly Text[], string>>;
  /** `left`: what a person must see to, in sentences. */
  erasePerson(user: string): Promise<Result<{ readonly done: Readonly<Record<string, number>>; readonly left: readonly string[] }, string>>;
};

export function redisKeeper({ url, namespace }: RedisOptions): RedisKeeper {
  const keys = keysOf(namespace);
  const streams = [...keys.streams, keys.dead];
  const within = async <T>(work: (link: Link) => Promise<T>): Promise<Result<T, string>> => {
    const link = openLink(url);
    try {
      await link.ready();
      return ok(await work(link));
    } catch (error) {
      return err(`Redis: ${troubleOf(error)}.`);
    } finally {
      link.close();
    }
  };
  return {
    keeps: "redis",
    exportPerson: (user) =>
      within(async (link) => {
        const texts: Text[] = [];
        for await (const { stream, atMs, json } of entriesOf(link, streams)) {
          const posted = readPosted(json);
          if (posted?.event?.kind !== "text" || posted.event.user !== pseudonymOf(user)) continue;
          texts.push({ scene: posted.scene, atMs, text: posted.event.text, givenUp: stream === keys.dead });
        }
        return texts;
      }),
    erasePerson: (user) =>
      within(async (link) => {
        const [seconds] = await link.run((redis) => redis.time());
        const done = { texts: 0, questions: 0 };
        for await (const entry of entriesOf(link, streams)) {
          const what = whatToErase(entry, user, { nowMs: Number(seconds) * 1000, dead: entry.stream === keys.dead });
          if (what === undefined) continue;
          const { stream, id } = entry;
          await link.run((redis) => redis.multi().xack(stream, GROUP, id).xdel(stream, id).exec());
          done[what]++;
        }
        return { done, left: [] };
      }),
  };
}

/** [RK1] [RK2] */
function whatToErase({ json, atMs }: Entry, user: string, { nowMs, dead }: { readonly nowMs: number; readonly dead: boolean }) {
  const posted = readPosted(json);
  // Somebody else's writing, of which nothing is known.
  if (posted === undefined) return json.includes(user) || json.includes(pseudonymOf(user)) ? "texts" : undefined;
  const { event, ttlMs = Infinity } = posted;
  if (event?.kind === "text") return event.user === pseudonymOf(user) ? "texts" : undefined;
  return event?.kind === "search" && (dead || nowMs - atMs > ttlMs) ? "questions" : undefined;
}

async function* entriesOf(link: Link, streams: readonly string[]): AsyncGenerator<Entry> {
  for (const stream of streams) {
    let from = "-";
    for (;;) {
      const page = await link.run((redis) => redis.xrange(stream, from, "+", "COUNT", PAGE));
      // An event's entry is `e <json>`, a dead one's `why <sentence> e <json>`.
      for (const [id, fields] of page) yield { stream, id, atMs: Number(id.split("-")[0]), json: fields.at(-1) ?? "" };
      const last = page.at(-1)?.[0];
      if (last === undefined || page.length < PAGE) break;
      from = `(${last}`;
    }
  }
}
