/**
 * Messages that expect an answer: lines of chat (which come back) and searches.
 *
 * [AS1] Every search promise settles: with the room's answer, or after ANSWER_MS or with the link's end as an empty degraded one.
 *       Search is a convenience: its absence is no error the application has to handle.
 */
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { cutUtf8 } from "./cut-utf8.ts";
import type { Scheduler } from "./link.ts";
import type { SearchOptions, SearchResult } from "./space-types.ts";

/** The room answers within a few hundred ms, degraded if need be; this only catches a link that died meanwhile. */
const ANSWER_MS = 5000;
const DEFAULT_HITS = 10;
const NOTHING: SearchResult = { degraded: true, hits: [] };

type Asked = { readonly resolve: (result: SearchResult) => void; readonly cancel: () => void };

export class Asks {
  private readonly scheduler: Scheduler;
  private readonly send: (message: MessageOf<"chat"> | MessageOf<"search">) => void;
  private readonly asked = new Map<number, Asked>();
  private readonly said = new Set<number>();
  private ref = 0;

  constructor(scheduler: Scheduler, send: (message: MessageOf<"chat"> | MessageOf<"search">) => void) {
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
    this.send({
      type: "search",
      ref,
      text: cutUtf8(text.replaceAll("\0", ""), LIMITS.searchBytes),
      limit: Math.max(1, Math.min(LIMITS.searchHits, Math.round(options.limit ?? DEFAULT_HITS))),
      withinM: Math.max(0, options.within ?? 0),
      types: (options.types ?? []).slice(0, LIMITS.searchTypes),
      from,
    });
    return new Promise((resolve) => {
      const cancel = this.scheduler.after(ANSWER_MS, () => this.settle(ref, NOTHING));
      this.asked.set(ref, { resolve, cancel });
    });
  }

  onResult({ ref, degraded, hits }: MessageOf<"searchResult">): void {
    this.settle(ref, { degraded, hits });
  }

  /** A search that was refused (too many) is answered with nothing. False when `ref` is none. */
  refused(ref: number): boolean {
    return this.settle(ref, NOTHING);
  }

  linkDown(): void {
    for (const ref of this.asked.keys()) this.settle(ref, NOTHING);
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

  /** 1..65535: 0 is what answers to nothing carry. */
  nextRef(): number {
    this.ref = (this.ref % 0xffff) + 1;
    return this.ref;
  }
}
