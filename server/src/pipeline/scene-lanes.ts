/**
 * What waits of one scene: its objects in a ledger, everything else in bounded, coalescing queues with a quota per person.
 *
 * [SL1] Texts and searches of people are bounded by `LIMITS.pipelineEvents` each and `QUOTA` per person; the room's own texts by the
 *       number of objects a scene may have.
 */
import { LIMITS } from "@copresence/shared/protocol";
import { ownerOf, type RequestEvent } from "./event-key.ts";
import { ObjectLedger } from "./object-ledger.ts";
import { RequestQueue } from "./request-queue.ts";
import { MAX_OBJECTS } from "./search/index.ts";
import type { PipelineAnswer } from "./types.ts";

/** Unanswered texts and searches of one person: more than chat, label and search limits let through in a second. */
const QUOTA = 64;

/**
 * `standing`: texts the room itself hands in, those of every object when a scene is loaded; nobody waits for them, none may be lost.
 */
export const QUEUES = ["texts", "searches", "standing"] as const;
export type QueueName = (typeof QUEUES)[number];
export type Ask = { readonly key: string; readonly event: RequestEvent; readonly sinceMs: number };

export class SceneLanes {
  readonly name: string;
  readonly part: number;
  readonly ledger = new ObjectLedger(MAX_OBJECTS);
  readonly listeners = new Set<(answer: PipelineAnswer) => void>();
  readonly queues: Readonly<Record<QueueName, RequestQueue<Ask>>>;

  constructor(name: string, part: number) {
    this.name = name;
    this.part = part;
    const bounds = { capacity: LIMITS.pipelineEvents, quota: QUOTA };
    this.queues = {
      texts: new RequestQueue(bounds),
      searches: new RequestQueue(bounds),
      standing: new RequestQueue({ capacity: MAX_OBJECTS, quota: MAX_OBJECTS }),
    };
  }

  /** `version` rises with every put of a key that is to supersede. */
  put(ask: Ask, version: number) {
    return this.queues[queueOf(ask.event)].put({ key: ask.key, owner: ownerOf(ask.event), version, item: ask });
  }

  /** Up to `max` requests, texts first; searches only when the index is whole. */
  take(max: number, searches: boolean): Ask[] {
    const taken: Ask[] = [];
    for (const name of QUEUES) {
      if (name === "searches" && !searches) continue;
      while (taken.length < max) {
        const next = this.queues[name].take();
        if (next === undefined) break;
        taken.push(next.item);
      }
    }
    return taken;
  }

  waiting(searches: boolean): number {
    const { texts, standing } = this.queues;
    return texts.size + standing.size + (searches ? this.queues.searches.size : 0);
  }

  get coalesced(): number {
    return QUEUES.reduce((sum, name) => sum + this.queues[name].coalesced, this.ledger.coalesced);
  }
}

/** The room's own texts have no user. */
export function queueOf(event: RequestEvent): QueueName {
  if (event.kind === "search") return "searches";
  return event.user === "" ? "standing" : "texts";
}
