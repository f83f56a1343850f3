/**
 * A worker behind Redis: takes parts, reads their events, handles them in batches, answers.
 *
 * [RW1] An entry is acknowledged, deleted and answered in one script, after it has been handled; a worker that dies before leaves it
 *       pending, and whoever takes the part next claims it.
 * [RW6] That script does nothing unless the lease is still this worker's: one that was slower than its lease has put into its index what
 *       only its successor's is asked about, so the entry stays pending for the successor.
 * [RW2] A claimed entry is handled by itself, counted by Redis before it is; after `MAX_TRIES` it goes to the dead (CA3).
 *       Other copies of it, sent again meanwhile, go the same way without being tried.
 * [RW3] A part that is lost takes its scenes with it; what a frozen worker still had is answered twice at worst, and the room takes one.
 * [RW4] Of several versions of one object in a batch only the newest is handled.
 * [RW5] Redis in trouble: all parts are given up, and taken anew when it answers again.
 */
import { createHash, randomUUID } from "node:crypto";
import type { PipelineEvent } from "../../core/types.ts";
import { MAX_TRIES, type Outcome, type RuntimeReport } from "../carrier.ts";
import type { Consumers } from "../consumers.ts";
import { epitaph, isLedgerEvent, keyOf, versionOf } from "../event-key.ts";
import { DEAD_MAX, DEAD_TTL_MS, GROUP, type Keys, keysOf, REPLIES_MAX, REPLIES_TTL_MS } from "./keys.ts";
import { type Link, openLink, type StreamRead, troubleOf } from "./link.ts";
import { PartLeases } from "./part-leases.ts";
import { type Posted, readPosted, writeOutcomes } from "./wire.ts";

const READ_COUNT = 64;
/** Below a beat, so that leases are renewed in time. */
const READ_MS = 100;
/** Left unacknowledged by ourselves for so long: our acknowledgement was lost. */
const STUCK_MS = 5000;
const REST_MS = 500;
const CLAIM_COUNT = 256;
/** Consumers of workers that are long gone leave the group. */
const CONSUMER_GONE_MS = 60_000;

export type RedisWorkerOptions = {
  readonly url: string;
  readonly namespace: string;
  readonly consumers: Consumers;
  readonly runtime: RuntimeReport;
  readonly onLog: (sentence: string) => void;
};
export type WorkerCounts = {
  handled: number;
  /** Too late to be worth an answer. */
  expired: number;
  dead: number;
  claimed: number;
  /** Trimmed by somebody before they were acknowledged. */
  trimmed: number;
  /** Unreadable. */
  refused: number;
  superseded: number;
  /** Handled after the lease was lost, and left to the successor. */
  fenced: number;
};

type Entry = { readonly part: number; readonly entry: string; readonly posted: Posted };
type Done = { readonly part: number; readonly entry: string; readonly posted: Posted | undefined; readonly outcome: Outcome | undefined };
type Dead = { readonly part: number; readonly entry: string; readonly json: string; readonly why: string; readonly posted?: Posted };
type Suspect = { readonly part: number; readonly entry: string };

export class RedisWorker {
  private readonly options: RedisWorkerOptions;
  readonly worker = randomUUID();
  private readonly keys: Keys;
  private readonly link: Link;
  private readonly leases: PartLeases;
  private suspects: Suspect[] = [];
  /** Scenes that are indexed here, and whose they are. */
  private readonly scenes = new Map<string, { readonly part: number; readonly producer: string }>();
  /** Hashes of what was given up in the parts served here. */
  private readonly buried = new Map<number, Set<string>>();
  private lastClaimMs = 0;
  private trouble = "";
  private stopping = false;
  private readonly ended: Promise<void>;
  readonly counts: WorkerCounts = { handled: 0, expired: 0, dead: 0, claimed: 0, trimmed: 0, refused: 0, superseded: 0, fenced: 0 };

  constructor(options: RedisWorkerOptions) {
    this.options = options;
    this.keys = keysOf(options.namespace);
    this.link = openLink(options.url);
    const { keys, link, worker } = this;
    this.leases = new PartLeases({ keys, link, worker, runtime: options.runtime, now: () => performance.now() });
    this.ended = this.run();
  }

  get parts(): number {
    return this.leases.owned.size;
  }
  get up(): boolean {
    return this.trouble === "" && this.link.up;
  }

  /** Finishes what is being handled, and leaves its parts to others at once. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.ended;
    await this.leases.leave().catch(() => undefined);
    this.link.close();
  }

  private async run(): Promise<void> {
    await this.link.ready();
    while (!this.stopping) {
      try {
        await this.turn();
        if (this.trouble !== "") this.options.onLog("Redis answers again");
        this.trouble = "";
      } catch (error) {
        const sentence = troubleOf(error);
        if (this.trouble === "") this.options.onLog(`${sentence}; serving nothing until it answers`);
        this.trouble = sentence;
        for (const part of this.leases.owned.keys()) this.drop(part);
        this.leases.owned.clear();
        await new Promise((resolve) => setTimeout(resolve, REST_MS));
      }
    }
  }

  /** One round: beat, then one suspect or one batch. */
  private async turn(): Promise<void> {
    const beat = await this.leases.beat();
    if (beat !== undefined) {
      for (const part of beat.lost) this.drop(part);
      for (const part of beat.gained) await this.takeOver(part);
      this.forgetScenesOfTheGone(beat.producers);
    }
    if (this.leases.owned.size === 0) return new Promise((resolve) => void setTimeout(resolve, READ_MS));
    if (performance.now() - this.lastClaimMs > STUCK_MS) await this.claimStuck();
    const suspect = this.suspects.shift();
    if (suspect !== undefined) await this.tryAlone(suspect);
    else await this.handle(await this.read());
  }

  private async takeOver(part: number): Promise<void> {
    this.drop(part);
    const key = this.keys.events(part);
    await this.link.run((redis) =>
      redis.xgroup("CREATE", key, GROUP, "0", "MKSTREAM").catch((error: unknown) => {
        if (!String(error).includes("BUSYGROUP")) throw error;
      }),
    );
    await this.claim(part, 0);
    this.buried.set(part, new Set(await this.link.run((redis) => redis.smembers(this.keys.buried(part)))));
    for (const consumer of (await this.link.run((redis) => redis.call("XINFO", "CONSUMERS", key, GROUP))) as unknown[][]) {
      const facts = Object.fromEntries(pairs(consumer));
      if (facts["pending"] !== 0 || Number(facts["idle"]) < CONSUMER_GONE_MS) continue;
      await this.link.run((redis) => redis.xgroup("DELCONSUMER", key, GROUP, String(facts["name"])));
    }
  }

  /** Makes what is pending of a part ours, without counting it as tried. */
  private async claim(part: number, idleMs: number): Promise<void> {
    let cursor = "0-0";
    do {
      const answer = await this.link.run((redis) =>
        redis.call("XAUTOCLAIM", this.keys.events(part), GROUP, this.worker, idleMs, cursor, "COUNT", CLAIM_COUNT, "JUSTID"),
      );
      const [next, entries, deleted] = answer as [string, string[], string[] | undefined];
      const known = new Set(this.suspects.map(({ entry }) => entry));
      for (const entry of entries) if (!known.has(entry)) this.suspects.push({ part, entry });
      this.counts.claimed += entries.length;
      this.counts.trimmed += deleted?.length ?? 0;
      if ((deleted?.length ?? 0) > 0) this.options.onLog("somebody trimmed events that were not acknowledged; their servers will send them again");
      cursor = next;
    } while (cursor !== "0-0");
  }

  private async claimStuck(): Promise<void> {
    for (const part of this.leases.owned.keys()) await this.claim(part, STUCK_MS);
    this.lastClaimMs = performance.now();
  }

  private drop(part: number): void {
    this.suspects = this.suspects.filter((suspect) => suspect.part !== part);
    for (const [scene, owner] of this.scenes) if (owner.part === part) this.forget(scene);
  }

  private forget(scene: string): void {
    this.scenes.delete(scene);
    this.options.consumers.forget(scene);
  }

  private forgetScenesOfTheGone(producers: ReadonlySet<string>): void {
    for (const [scene, { producer }] of this.scenes) if (!producers.has(producer)) this.forget(scene);
  }

  /** Claiming counts the try before it is made, so an entry that kills its worker is known by its count [RW2]. */
  private async tryAlone({ part, entry }: Suspect): Promise<void> {
    const key = this.keys.events(part);
    const [pending] = (await this.link.run((redis) => redis.call("XPENDING", key, GROUP, entry, entry, 1))) as [string, string, number, number][];
    if (pending === undefined) return;
    const tries = pending[3];
    const claimed = await this.link.run((redis) => redis.call("XCLAIM", key, GROUP, this.worker, 0, entry));
    const [found] = claimed as StreamRead[number][1];
    if (found === undefined) return;
    const read = this.decode(found);
    if (read.posted === undefined) return this.bury([{ part, entry, json: read.json, why: "an event could not be read" }]);
    if (tries < MAX_TRIES) return this.handle([{ part, entry, posted: read.posted }]);
    await this.bury([{ part, entry, json: read.json, why: `brought ${MAX_TRIES} workers down or failed as often`, posted: read.posted }]);
  }

  private async read(): Promise<Entry[]> {
    const parts = [...this.leases.owned.keys()];
    const streams = parts.map((part) => this.keys.events(part));
    const answer = await this.link.run(
      (redis) =>
        redis.call(
          "XREADGROUP",
          "GROUP",
          GROUP,
          this.worker,
          "COUNT",
          READ_COUNT,
          "BLOCK",
          READ_MS,
          "STREAMS",
          ...streams,
          ...streams.map(() => ">"),
        ),
      READ_MS,
    );
    const entries: Entry[] = [];
    for (const [key, list] of (answer ?? []) as StreamRead) {
      const part = parts[streams.indexOf(key)] as number;
      for (const raw of list) {
        const { posted, json } = this.decode(raw);
        if (posted !== undefined) entries.push({ part, entry: raw[0], posted });
        else await this.bury([{ part, entry: raw[0], json, why: "an event could not be read" }]);
      }
    }
    return entries;
  }

  /** An entry is `e <json>`. */
  private decode([, fields]: StreamRead[number][1][number]): { readonly posted: Posted | undefined; readonly json: string } {
    const json = fields[1] ?? "";
    const posted = readPosted(json);
    if (posted === undefined) this.counts.refused++;
    return { posted, json };
  }

  private async handle(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    const newest = new Map<string, Posted>();
    for (const { posted } of entries) {
      const { scene, event } = posted;
      if (event === undefined || !isLedgerEvent(event)) continue;
      const key = keyOf(scene, event);
      const known = newest.get(key)?.event;
      if (known === undefined || !("version" in known) || known.version <= event.version) newest.set(key, posted);
    }
    const copies = entries.filter(
      ({ part, posted: { scene, event } }) => event !== undefined && this.buried.get(part)?.has(hashOf(scene, event)) === true,
    );
    const worth = entries.filter((each) => !copies.includes(each) && this.isWorth(each.entry, each.posted, newest));
    const last = new Map(entries.map((entry) => [entry.posted.scene, entry]));
    for (const entry of entries) this.noteScene(entry);
    const handled = await this.options.consumers.handleBatch(
      worth.flatMap(({ posted: { scene, event } }) => (event === undefined ? [] : [{ scene, event }])),
    );
    const failed = new Set<Entry>();
    const outcomes = new Map<Entry, Outcome>();
    worth.forEach((entry, i) => {
      const { id, scene } = entry.posted;
      if (handled[i]?.failed !== undefined) failed.add(entry);
      else outcomes.set(entry, { id, scene, answer: handled[i]?.answer });
    });
    for (const each of copies) {
      const { id, scene, event } = each.posted;
      if (event !== undefined) outcomes.set(each, { id, scene, dead: epitaph(`${event.kind} is a copy of one that was given up`, scene, event) });
    }
    this.counts.handled += outcomes.size - copies.length;
    const done = entries.filter((entry) => !failed.has(entry));
    // A farewell that nothing follows; one that something follows has made room for it already.
    for (const [scene, { posted }] of last) if (posted.event === undefined) this.forget(scene);
    await this.acknowledge(done.map((entry) => ({ ...entry, outcome: outcomes.get(entry) ?? { id: entry.posted.id, scene: entry.posted.scene } })));
    for (const { part, entry } of failed) this.suspects.push({ part, entry });
  }

  /** Whether an event is to be handled: not a farewell, not too late, not superseded within its batch [RW4]. */
  private isWorth(entry: string, posted: Posted, newest: ReadonlyMap<string, Posted>): boolean {
    const { scene, event, ttlMs } = posted;
    if (event === undefined) return false;
    if (ttlMs !== undefined && this.leases.clockMs - Number(entry.split("-")[0]) > ttlMs) {
      this.counts.expired++;
      return false;
    }
    if (!isLedgerEvent(event) || newest.get(keyOf(scene, event)) === posted) return true;
    this.counts.superseded++;
    return false;
  }

  private noteScene({ part, posted: { scene, event, producer } }: Entry): void {
    if (event === undefined) this.forget(scene);
    else this.scenes.set(scene, { part, producer });
  }

  private async acknowledge(done: readonly Done[]): Promise<void> {
    for (const [part, ofPart] of groups(done, ({ part }) => part)) {
      const replies = new Map<string, Outcome[]>();
      for (const { posted, outcome } of ofPart) {
        if (posted?.event === undefined || outcome === undefined) continue;
        const list = replies.get(posted.producer);
        if (list === undefined) replies.set(posted.producer, [outcome]);
        else list.push(outcome);
      }
      const keys = [this.keys.lease(part), this.keys.events(part), ...[...replies.keys()].map((producer) => this.keys.replies(producer))];
      const facts = [this.leases.owned.get(part) ?? "none", GROUP, REPLIES_MAX, REPLIES_TTL_MS, part, ofPart.length];
      const args = [...facts, ...ofPart.map(({ entry }) => entry), ...[...replies.values()].map(writeOutcomes)];
      if ((await this.link.run((redis) => redis.eval(ACKNOWLEDGE, keys.length, ...keys, ...args))) !== 1) this.counts.fenced += ofPart.length;
    }
  }

  /** To the dead first: an event that is there twice is better than one that is nowhere. */
  private async bury(dead: readonly Dead[]): Promise<void> {
    this.counts.dead += dead.length;
    for (const { part, entry, json, why, posted } of dead) {
      this.options.onLog(`an event was given up: ${posted?.event?.kind ?? "something"} ${why}`);
      const hash = posted?.event === undefined ? undefined : hashOf(posted.scene, posted.event);
      if (hash !== undefined) this.buried.get(part)?.add(hash);
      await this.link.run(async (redis) => {
        const transaction = redis.multi();
        transaction.xadd(this.keys.dead, "MAXLEN", "~", DEAD_MAX, "*", "why", why, "e", json).pexpire(this.keys.dead, DEAD_TTL_MS);
        if (hash !== undefined) transaction.sadd(this.keys.buried(part), hash).pexpire(this.keys.buried(part), DEAD_TTL_MS);
        for (const [error] of (await transaction.exec()) ?? []) if (error !== null) throw error;
      });
      const outcome =
        posted?.event === undefined
          ? undefined
          : { id: posted.id, scene: posted.scene, dead: epitaph(`${posted.event.kind} ${why}`, posted.scene, posted.event) };
      await this.acknowledge([{ part, entry, posted, outcome }]);
    }
  }
}

/** KEYS: lease, events, replies...; ARGV: the lease's value, group, most replies, their life in ms, part, how many entries, entries..., outcomes... */
const ACKNOWLEDGE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local count = tonumber(ARGV[6])
local entries = {}
for i = 1, count do entries[i] = ARGV[6 + i] end
redis.call('XACK', KEYS[2], ARGV[2], unpack(entries))
redis.call('XDEL', KEYS[2], unpack(entries))
for i = 3, #KEYS do
  redis.call('XADD', KEYS[i], 'MAXLEN', '~', ARGV[3], '*', 'p', ARGV[5], 'o', ARGV[4 + count + i])
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
return 1`;

const hashOf = (scene: string, event: PipelineEvent): string =>
  createHash("sha256")
    .update(`${keyOf(scene, event)}@${versionOf(event)}`)
    .digest("base64url")
    .slice(0, 22);

function groups<K, T>(items: readonly T[], keyOfItem: (item: T) => K): Map<K, T[]> {
  const map = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOfItem(item);
    const list = map.get(key);
    if (list === undefined) map.set(key, [item]);
    else list.push(item);
  }
  return map;
}
function pairs(flat: readonly unknown[]): [string, unknown][] {
  const list: [string, unknown][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) list.push([String(flat[i]), flat[i + 1]]);
  return list;
}
