/**
 * Where things are in Redis. All keys of a namespace share one hash tag, so that scripts over several of them work on a cluster too.
 *
 * | key | what |
 * |---|---|
 * | `{ns}:events:<part>` | stream of events that nobody has acknowledged yet, with the consumer group `workers`; acknowledged ones are deleted |
 * | `{ns}:lease:<part>` | who serves the part: `<epoch>\x1f<ok>\x1f<sentence>`; expires with its worker |
 * | `{ns}:replies:<producer>` | stream of outcomes for one server until it has read them, trimmed, expires |
 * | `{ns}:workers`, `{ns}:producers` | sorted sets: who was there when, by Redis's clock |
 * | `{ns}:buried:<part>` | set of hashes of what was given up, so that another copy of it is not tried again; expires |
 * | `{ns}:dead` | stream of events that were given up, trimmed, expires |
 */

/** Scenes are spread over these; also the most workers that can share the load. The same everywhere, so not a setting. */
export const PARTS = 16;
export const GROUP = "workers";
export const LEASE_MS = 2000;
/** How often a worker renews and a server looks. */
export const BEAT_MS = 250;
/** A server that has not been heard of for so long has closed its scenes. */
export const PRODUCER_GONE_MS = 15_000;
export const REPLIES_TTL_MS = 60_000;
/** Beyond what every window of a server can bring back; a lost reply is asked for again. */
export const REPLIES_MAX = 20_000;
export const DEAD_MAX = 1000;
export const DEAD_TTL_MS = 24 * 3600 * 1000;

export type Keys = ReturnType<typeof keysOf>;

export function keysOf(namespace: string) {
  const tag = `{${namespace}}`;
  return {
    events: (part: number) => `${tag}:events:${part}`,
    lease: (part: number) => `${tag}:lease:${part}`,
    leases: Array.from({ length: PARTS }, (_, part) => `${tag}:lease:${part}`),
    streams: Array.from({ length: PARTS }, (_, part) => `${tag}:events:${part}`),
    replies: (producer: string) => `${tag}:replies:${producer}`,
    workers: `${tag}:workers`,
    producers: `${tag}:producers`,
    buried: (part: number) => `${tag}:buried:${part}`,
    dead: `${tag}:dead`,
  };
}

/** FNV-1a over UTF-16 units: the same part for a scene everywhere. */
export function partOfScene(scene: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < scene.length; i++) hash = Math.imul(hash ^ scene.charCodeAt(i), 0x01000193) >>> 0;
  return hash % PARTS;
}

const SEPARATOR = "\u001f";
export type Lease = { readonly epoch: string; readonly ok: boolean; readonly sentence: string };
export const writeLease = ({ epoch, ok, sentence }: Lease): string => [epoch, ok ? "1" : "0", sentence].join(SEPARATOR);
export function readLease(value: string): Lease {
  const [epoch = "", ok, sentence = ""] = value.split(SEPARATOR);
  return { epoch, ok: ok === "1", sentence: sentence.slice(0, 200) };
}
