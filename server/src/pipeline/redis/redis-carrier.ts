/**
 * The room's end of the Redis adapter: events into one stream per part, outcomes out of one stream per server.
 *
 * [RC1] Only so much is in a stream as its window allows, and only while somebody serves the part: the rest waits, and coalesces, here. So a
 *       stream is never trimmed to bound it, and what is in it has not been acknowledged.
 * [RC2] Redis in trouble, refusing or silent: every part is down until it has answered a look (`BEAT_MS`) again, after a rest of `REST_MS`.
 * [RC3] A change of the lease's epoch is a new worker that knows nothing, also when the old one was not seen to go.
 * [RC4] Outcomes come at most `REPLIES_MAX` behind; what is lost of them is sent again by the pipeline (SP5).
 * [RC5] What was read is deleted at once: an outcome may tell who is where.
 */
import { randomUUID } from "node:crypto";
import { type Carrier, type CarrierEvents, type Envelope, NO_ROOM, type Room } from "../carrier.ts";
import { isLedgerEvent } from "../event-key.ts";
import type { Timers } from "../timers.ts";
import { BEAT_MS, type Keys, keysOf, PARTS, partOfScene, PRODUCER_GONE_MS, readLease, REPLIES_TTL_MS } from "./keys.ts";
import { type Link, openLink, type StreamRead, troubleOf } from "./link.ts";
import { readOutcomes, writePosted } from "./wire.ts";

const WINDOW: Room = { objects: 128, requests: 256 };
/** Entries in one part's stream, of all servers, beyond which this one waits. */
const STREAM_MAX = 8192;
const REST_MS = 1000;
const READ_MS = 1000;
const READ_COUNT = 256;

/** Looks who serves what, says that this server is there, and how full the streams are. */
const LOOK = `
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], t[1] * 1000 + math.floor(t[2] / 1000), ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
local n = (#KEYS - 2) / 2
local answer = {}
for i = 1, n do
  answer[i] = redis.call('GET', KEYS[2 + i]) or ''
  answer[n + i] = redis.call('XLEN', KEYS[2 + n + i])
end
return answer`;

export type RedisOptions = { readonly url: string; readonly namespace: string };
type Part = { epoch: string; full: boolean; readonly objects: Set<number>; readonly requests: Set<number> };

export class RedisCarrier implements Carrier {
  readonly parts = PARTS;
  readonly pids = [];
  restarts = 0;
  private readonly events: CarrierEvents;
  private readonly timers: Timers;
  private readonly keys: Keys;
  private readonly producer = randomUUID();
  private readonly commands: Link;
  private readonly reader: Link;
  private readonly state: readonly Part[];
  /** Workers that hold a lease. */
  private workers: ReadonlySet<string> = new Set();
  private lastLookMs: number;
  private restUntilMs = 0;
  private trouble = "";
  private closed = false;

  constructor(options: RedisOptions & { readonly timers: Timers }, events: CarrierEvents) {
    this.events = events;
    this.timers = options.timers;
    this.keys = keysOf(options.namespace);
    this.commands = openLink(options.url);
    this.reader = openLink(options.url);
    this.state = Array.from({ length: PARTS }, () => ({ epoch: "", full: false, objects: new Set(), requests: new Set() }));
    this.lastLookMs = this.timers.now();
    void this.look();
    void this.listen();
  }

  partOf(scene: string): number {
    return partOfScene(scene);
  }

  room(index: number): Room {
    const part = this.state[index] as Part;
    if (part.epoch === "" || part.full || !this.commands.up) return NO_ROOM;
    return { objects: WINDOW.objects - part.objects.size, requests: WINDOW.requests - part.requests.size };
  }

  send(index: number, items: readonly Envelope[]): void {
    const part = this.state[index] as Part;
    const { producer } = this;
    for (const { id, event } of items) (isLedgerEvent(event) ? part.objects : part.requests).add(id);
    this.post(
      index,
      items.map(({ id, scene, event, ttlMs }) => writePosted({ producer, id, scene, event, ttlMs })),
    );
  }

  abandon(index: number, ids: readonly number[]): void {
    const part = this.state[index] as Part;
    for (const id of ids) {
      part.objects.delete(id);
      part.requests.delete(id);
    }
  }

  forget(scene: string): void {
    const index = partOfScene(scene);
    if (this.state[index]?.epoch !== "") this.post(index, [writePosted({ producer: this.producer, id: 0, scene })]);
  }

  async close(): Promise<void> {
    this.closed = true;
    const { keys, producer } = this;
    const bye = this.commands.run((redis) => redis.multi().zrem(keys.producers, producer).del(keys.replies(producer)).exec());
    await Promise.race([bye.catch(() => undefined), new Promise<void>((resolve) => void this.timers.after(BEAT_MS, resolve))]);
    this.commands.close();
    this.reader.close();
  }

  private post(index: number, entries: readonly string[]): void {
    const sent = this.commands.run(async (redis) => {
      const pipeline = redis.pipeline();
      for (const entry of entries) pipeline.xadd(this.keys.events(index), "*", "e", entry);
      for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
    });
    sent.catch((error: unknown) => this.inTrouble(error));
  }

  /** Everything is down until Redis answers again [RC2]. */
  private inTrouble(error: unknown): void {
    if (this.closed) return;
    const sentence = troubleOf(error);
    this.restUntilMs = this.timers.now() + REST_MS;
    if (this.trouble === "") this.events.onLog(`${sentence}; rooms go on without the pipeline's workers`);
    this.trouble = sentence;
    this.state.forEach((_, index) => this.partDown(index, sentence));
  }

  private async look(): Promise<void> {
    const { keys, producer } = this;
    await this.commands.ready();
    const all = [keys.producers, keys.replies(producer), ...keys.leases, ...keys.streams];
    while (!this.closed) {
      try {
        const answer = await this.commands.run((redis) => redis.eval(LOOK, all.length, ...all, producer, String(REPLIES_TTL_MS)));
        if (this.timers.now() >= this.restUntilMs) this.looked(answer as (string | number)[]);
      } catch (error) {
        this.inTrouble(error);
      }
      await new Promise<void>((resolve) => void this.timers.after(BEAT_MS, resolve));
    }
  }

  private looked(answer: readonly (string | number)[]): void {
    const nowMs = this.timers.now();
    // Not heard of for so long, workers take our scenes for closed.
    const forgotten = nowMs - this.lastLookMs > PRODUCER_GONE_MS / 2;
    this.lastLookMs = nowMs;
    if (this.trouble !== "") this.events.onLog("Redis answers again");
    this.trouble = "";
    const workers = new Set(answer.slice(0, PARTS).flatMap((value) => workerOf(readLease(String(value)).epoch)));
    for (const worker of this.workers) if (!workers.has(worker)) this.restarts++;
    this.workers = workers;
    for (let index = 0; index < PARTS; index++) {
      const part = this.state[index] as Part;
      const lease = readLease(String(answer[index] ?? ""));
      part.full = Number(answer[PARTS + index] ?? 0) > STREAM_MAX;
      if (lease.epoch === part.epoch && !forgotten) continue;
      if (lease.epoch === "") this.partDown(index, "no worker serves this scene");
      else this.partUp(index, lease);
    }
  }

  private partUp(index: number, { epoch, ok, sentence }: ReturnType<typeof readLease>): void {
    const part = this.state[index] as Part;
    this.clear(part);
    part.epoch = epoch;
    this.events.onUp(index, { ok, sentence });
  }

  private partDown(index: number, sentence: string): void {
    const part = this.state[index] as Part;
    this.clear(part);
    part.epoch = "";
    this.events.onDown(index, sentence);
  }

  private clear(part: Part): void {
    part.objects.clear();
    part.requests.clear();
  }

  /** Outcomes, as long as there is a connection to hear them on. */
  private async listen(): Promise<void> {
    const key = this.keys.replies(this.producer);
    let last = "0-0";
    await this.reader.ready();
    while (!this.closed) {
      try {
        const answer = await this.reader.run((redis) => redis.call("XREAD", "COUNT", READ_COUNT, "BLOCK", READ_MS, "STREAMS", key, last), READ_MS);
        for (const [, entries] of (answer ?? []) as StreamRead) {
          for (const [entry, fields] of entries) {
            last = entry;
            this.heard(Number(fields[1]), fields[3] ?? "");
          }
          // Nobody waits for it; what stays because of trouble expires.
          const read = entries.map(([entry]) => entry);
          void this.commands.run((redis) => redis.xdel(key, ...read)).catch(() => undefined);
        }
      } catch (error) {
        this.inTrouble(error);
        await new Promise<void>((resolve) => void this.timers.after(BEAT_MS, resolve));
      }
    }
  }

  /** An entry is `p <part> o <outcomes>`. */
  private heard(index: number, json: string): void {
    const part = this.state[index];
    const outcomes = readOutcomes(json);
    if (part === undefined || outcomes === undefined) return this.events.onLog("a reply in Redis could not be read and was left out");
    for (const { id } of outcomes) {
      part.objects.delete(id);
      part.requests.delete(id);
    }
    this.events.onDone(index, outcomes);
  }
}

/** An epoch begins with its worker. */
const workerOf = (epoch: string): string[] => (epoch === "" ? [] : [epoch.split(":")[0] ?? ""]);
