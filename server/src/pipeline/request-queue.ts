/**
 * A bounded, coalescing, fair-by-quota queue of texts or searches of one scene.
 *
 * [RQ1] One entry per subject. A newer version takes the older one's place in line, so nobody waits longer for having typed again;
 *       an older or equal version changes nothing. Superseded entries are gone at once and counted as coalesced.
 * [RQ2] At most `quota` entries of one owner and `capacity` in all. What is over leaves oldest first, the owner's own before anybody else's,
 *       is counted, and is handed back to the caller, who answers it some cheaper way.
 * [RQ3] Every operation costs O(1) on average; nothing throws.
 */
export type Request<T> = { readonly key: string; readonly owner: string; readonly version: number; readonly item: T };
export type PutResult<T> = { readonly status: "queued" | "superseded" | "stale"; readonly evicted: readonly Request<T>[] };

const NOTHING: readonly never[] = [];

export class RequestQueue<T> {
  private readonly entries = new Map<string, Request<T>>();
  /** Keys of each owner, oldest first. */
  private readonly owners = new Map<string, Set<string>>();
  private readonly capacity: number;
  private readonly quota: number;
  coalesced = 0;
  evicted = 0;

  constructor(options: { readonly capacity: number; readonly quota: number }) {
    this.capacity = options.capacity;
    this.quota = options.quota;
  }

  get size(): number {
    return this.entries.size;
  }

  put(request: Request<T>): PutResult<T> {
    const queued = this.entries.get(request.key);
    if (queued !== undefined) {
      if (request.version <= queued.version) return { status: "stale", evicted: NOTHING };
      if (queued.owner !== request.owner) this.reassign(request.key, queued.owner, request.owner);
      this.entries.set(request.key, request);
      this.coalesced++;
      return { status: "superseded", evicted: NOTHING };
    }
    const mine = this.owners.get(request.owner);
    const evicted: Request<T>[] = [];
    if (mine !== undefined && mine.size >= this.quota) this.evict(mine.keys().next().value, evicted);
    else if (this.entries.size >= this.capacity) this.evict(this.entries.keys().next().value, evicted);
    this.entries.set(request.key, request);
    this.claim(request.owner, request.key);
    return { status: "queued", evicted };
  }

  /** The oldest, out of the queue. */
  take(): Request<T> | undefined {
    const [first] = this.entries.values();
    if (first !== undefined) this.drop(first);
    return first;
  }

  /** Takes an entry out of the middle, e.g. because it was answered another way. */
  remove(key: string): boolean {
    const entry = this.entries.get(key);
    if (entry !== undefined) this.drop(entry);
    return entry !== undefined;
  }

  private evict(key: string | undefined, into: Request<T>[]): void {
    const entry = key === undefined ? undefined : this.entries.get(key);
    if (entry === undefined) return;
    this.drop(entry);
    this.evicted++;
    into.push(entry);
  }

  private drop(entry: Request<T>): void {
    this.entries.delete(entry.key);
    const keys = this.owners.get(entry.owner);
    keys?.delete(entry.key);
    if (keys?.size === 0) this.owners.delete(entry.owner);
  }

  private claim(owner: string, key: string): void {
    const keys = this.owners.get(owner);
    if (keys === undefined) this.owners.set(owner, new Set([key]));
    else keys.add(key);
  }

  private reassign(key: string, from: string, to: string): void {
    const keys = this.owners.get(from);
    keys?.delete(key);
    if (keys?.size === 0) this.owners.delete(from);
    this.claim(to, key);
  }
}
