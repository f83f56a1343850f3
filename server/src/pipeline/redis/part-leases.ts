/**
 * Which parts this worker serves. Every worker beats; parts are shared evenly among those that do.
 *
 * [PL1] A part has at most one lease at a time; it ends `LEASE_MS` after its worker's last beat, by Redis's clock.
 * [PL2] A lease that is taken has a new epoch, so servers notice a new worker however quickly it came.
 * [PL3] A beat is one script: nobody sees half of it. A worker that was frozen finds at its next beat that its parts are gone.
 */
import { BEAT_MS, type Keys, LEASE_MS, PRODUCER_GONE_MS, writeLease } from "./keys.ts";
import type { Link } from "./link.ts";

/** KEYS: workers, producers, leases...; ARGV: worker id, lease ms, value of a new lease, producer ms. Answers now, live producers, parts kept, parts taken. */
const BEAT = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[4])
local share = math.ceil((#KEYS - 2) / redis.call('ZCARD', KEYS[1]))
local kept = {}
local taken = {}
local free = {}
for i = 3, #KEYS do
  local value = redis.call('GET', KEYS[i])
  if not value then
    free[#free + 1] = i
  elseif string.sub(value, 1, #ARGV[1]) == ARGV[1] then
    if #kept < share then
      redis.call('PEXPIRE', KEYS[i], ARGV[2])
      kept[#kept + 1] = i - 3
    else
      redis.call('DEL', KEYS[i])
    end
  end
end
for _, i in ipairs(free) do
  if #kept + #taken < share then
    redis.call('SET', KEYS[i], ARGV[3], 'PX', ARGV[2])
    taken[#taken + 1] = i - 3
  end
end
return {now, redis.call('ZRANGE', KEYS[2], 0, -1), kept, taken}`;

/** Deletes this worker's leases and its place among the workers. */
const LEAVE = `
redis.call('ZREM', KEYS[1], ARGV[1])
for i = 2, #KEYS do
  local value = redis.call('GET', KEYS[i])
  if value and string.sub(value, 1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end`;

export type Beat = { readonly gained: readonly number[]; readonly lost: readonly number[]; readonly producers: ReadonlySet<string> };

export class PartLeases {
  private readonly link: Link;
  private readonly keys: Keys;
  private readonly worker: string;
  private readonly runtime: { readonly ok: boolean; readonly sentence: string };
  private readonly now: () => number;
  /** Part -> the lease's value, which nobody else can have. */
  readonly owned = new Map<number, string>();
  private beats = 0;
  private lastMs = -Infinity;
  private redisNowMs = 0;

  constructor(options: {
    readonly link: Link;
    readonly keys: Keys;
    readonly worker: string;
    readonly runtime: { readonly ok: boolean; readonly sentence: string };
    readonly now: () => number;
  }) {
    this.link = options.link;
    this.keys = options.keys;
    this.worker = options.worker;
    this.runtime = options.runtime;
    this.now = options.now;
  }

  /** Redis's clock, ms, as far as the last beat tells. */
  get clockMs(): number {
    return this.redisNowMs + this.now() - this.lastMs;
  }

  /** Renews if it is time; what changed, or undefined when it was not time. */
  async beat(): Promise<Beat | undefined> {
    if (this.now() - this.lastMs < BEAT_MS) return undefined;
    const { keys, worker, runtime } = this;
    const fresh = writeLease({ epoch: `${worker}:${++this.beats}`, ...runtime });
    const all = [keys.workers, keys.producers, ...keys.leases];
    const args = [worker, String(LEASE_MS), fresh, String(PRODUCER_GONE_MS)];
    const answer = await this.link.run((redis) => redis.eval(BEAT, all.length, ...all, ...args));
    const [nowMs, producers, kept, gained] = answer as [number, string[], number[], number[]];
    // What is kept without being known was ours before trouble: its servers believe that we know their scenes, so it is given up first.
    const unknown = kept.filter((part) => !this.owned.has(part)).map((part) => keys.lease(part));
    if (unknown.length > 0) await this.link.run((redis) => redis.del(...unknown));
    const lost = [...this.owned.keys()].filter((part) => !kept.includes(part) && !gained.includes(part));
    for (const part of lost) this.owned.delete(part);
    for (const part of gained) this.owned.set(part, fresh);
    this.lastMs = this.now();
    this.redisNowMs = Number(nowMs);
    return { gained, lost, producers: new Set(producers) };
  }

  leave(): Promise<void> {
    return releaseLeases(this.link, this.keys, this.worker);
  }
}

/** Frees what a worker held, also for one that is known to be dead: nobody has to wait for its leases to expire. */
export async function releaseLeases(link: Link, keys: Keys, worker: string): Promise<void> {
  const all = [keys.workers, ...keys.leases];
  await link.run((redis) => redis.eval(LEAVE, all.length, ...all, worker));
}
