/**
 * Messages that expect an answer: lines of chat (which come back), searches, standing questions and descriptions.
 *
 * [AS1] Every search promise settles: with the room's answer, or after ANSWER_MS or with the link's end as an empty degraded one.
 *       Search is a convenience: its absence is no error the application has to handle.
 * [AS2] A standing question outlives the link: it is asked again when the link is back, and ends with the function `watch` returned.
 */
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { cutUtf8 } from "./cut-utf8.ts";
import type { Scheduler } from "./link.ts";
import type { DescribeOptions, Description, SearchOptions, SearchResult } from "./space-types.ts";

/** The room answers within a few hundred ms, degraded if need be; this only catches a link that died meanwhile. */
const ANSWER_MS = 5000;
const DEFAULT_HITS = 10;
const NOTHING: SearchResult = { degraded: true, hits: [] };

const SILENCE: Description = { degraded: true, text: "", objects: 0, people: 0, groups: [] };

type AskMessage = MessageOf<"chat"> | MessageOf<"search"> | MessageOf<"watch"> | MessageOf<"unwatch"> | MessageOf<"describe">;
type Watching = { readonly text: string; readonly options: SearchOptions; readonly listener: (result: SearchResult) => void };
type Asked = { readonly resolve: (result: SearchResult) => void; readonly cancel: () => void };

export class Asks {
  private readonly scheduler: Scheduler;
  private readonly send: (message: AskMessage) => void;
  private readonly asked = new Map<number, Asked>();
  private readonly said = new Set<number>();
  private readonly watching = new Map<number, Watching>();
  private readonly described = new Map<number, { readonly resolve: (description: Description) => void; readonly cancel: () => void }>();
  /** Counts that came before their result. */
  private readonly counts = new Map<number, number>();
  private ref = 0;

  constructor(scheduler: Scheduler, send: (message: AskMessage) => void) {
    this.scheduler = scheduler;
    this.send = send;
  }

  say(text: string): void {
    const ref = this.nextRef();
    this.said.add(ref);
    this.send({ type: "chat", ref, text: cutUtf8(text.replaceAll("\0", ""), LIMITS.chatBytes) });
  }

  /** True when `ref` was a line of mine, which is answered now. */
  answered(ref: number): boolean {
    return this.said.delete(ref);
  }

  search(text: string, options: SearchOptions, view: Float64Array): Promise<SearchResult> {
    const ref = this.nextRef();
    const from = options.from ?? { position: [...view.subarray(0, 3)], rotation: [...view.subarray(3, 7)] };
    this.send({ type: "search", ref, ...questionOf(text, options), from });
    return new Promise((resolve) => {
      const cancel = this.scheduler.after(ANSWER_MS, () => this.settle(ref, NOTHING));
      this.asked.set(ref, { resolve, cancel });
    });
  }

  onResult({ ref, degraded, hits }: MessageOf<"searchResult">): void {
    this.settle(ref, this.resultOf(ref, degraded, hits));
  }

  onCount({ ref, count }: MessageOf<"searchCount">): void {
    if (this.asked.has(ref) || this.watching.has(ref)) this.counts.set(ref, count);
  }

  /** `up`: whether there is a link to ask over now; otherwise it is asked when there is one. */
  watch(text: string, listener: (result: SearchResult) => void, options: SearchOptions, up: boolean): () => void {
    const ref = this.nextRef();
    this.watching.set(ref, { text, options, listener });
    if (up) this.sendWatch(ref);
    return () => {
      if (this.watching.delete(ref)) this.send({ type: "unwatch", ref });
    };
  }

  onWatch({ ref, degraded, hits }: MessageOf<"watchResult">): void {
    const watching = this.watching.get(ref);
    const result = this.resultOf(ref, degraded, hits);
    watching?.listener(result);
  }

  describe({ view = false, from }: DescribeOptions): Promise<Description> {
    const ref = this.nextRef();
    this.send({ type: "describe", ref, view, from: from ?? null });
    return new Promise((resolve) => {
      const cancel = this.scheduler.after(ANSWER_MS, () => this.settleDescription(ref, SILENCE));
      this.described.set(ref, { resolve, cancel });
    });
  }

  onDescription({ ref, degraded, text, objects, people, groups }: MessageOf<"description">): void {
    this.settleDescription(ref, { degraded, text, objects, people, groups });
  }

  /** The link is back: standing questions are asked again [AS2]. */
  linkUp(): void {
    for (const ref of this.watching.keys()) this.sendWatch(ref);
  }

  /** A search that was refused (too many) is answered with nothing. False when `ref` is none. */
  refused(ref: number): boolean {
    // A standing question that was refused is none.
    const known = this.watching.delete(ref) || this.settleDescription(ref, SILENCE);
    return this.settle(ref, NOTHING) || known;
  }

  linkDown(): void {
    for (const ref of this.asked.keys()) this.settle(ref, NOTHING);
    for (const ref of this.described.keys()) this.settleDescription(ref, SILENCE);
    this.counts.clear();
    this.said.clear();
  }

  private settle(ref: number, result: SearchResult): boolean {
    const asked = this.asked.get(ref);
    if (asked === undefined) return false;
    this.asked.delete(ref);
    asked.cancel();
    asked.resolve(result);
    return true;
  }

  private settleDescription(ref: number, description: Description): boolean {
    const described = this.described.get(ref);
    if (described === undefined) return false;
    this.described.delete(ref);
    described.cancel();
    described.resolve(description);
    return true;
  }

  private sendWatch(ref: number): void {
    const watching = this.watching.get(ref);
    if (watching !== undefined)
      this.send({ type: "watch", ref, ...questionOf(watching.text, watching.options), from: watching.options.from ?? null });
  }

  private resultOf(ref: number, degraded: boolean, hits: SearchResult["hits"]): SearchResult {
    const count = this.counts.get(ref);
    this.counts.delete(ref);
    return count === undefined ? { degraded, hits } : { degraded, hits, count };
  }

  /** 1..65535: 0 is what answers to nothing carry. */
  nextRef(): number {
    do this.ref = (this.ref % 0xffff) + 1;
    while (this.watching.has(this.ref));
    return this.ref;
  }
}

/** What a search and a standing question share on the wire. */
const questionOf = (text: string, { limit, within, types }: SearchOptions) => ({
  text: cutUtf8(text.replaceAll("\0", ""), LIMITS.searchBytes),
  limit: Math.max(1, Math.min(LIMITS.searchHits, Math.round(limit ?? DEFAULT_HITS))),
  withinM: Math.max(0, within ?? 0),
  types: (types ?? []).slice(0, LIMITS.searchTypes),
});
