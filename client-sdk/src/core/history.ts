/**
 * `space.history` and `space.rollback`: who changed what, and taking it back.
 *
 * [HY1] Every promise settles with a value: the room's answer, its refusal with the reason, or `offline` when the link is or goes away. A
 *       rollback whose answer was lost may have happened; the history tells.
 */
import { type DeniedReason, LIMITS, type MessageOf } from "@copresence/shared/protocol";
import { judgeSince, mustBeNumber } from "./judge.ts";
import type { HistoryOptions, HistoryResult, PastRefusal, RollbackOptions, RollbackResult } from "./space-types.ts";

const PAGE = 50;
const OFFLINE: PastRefusal = { ok: false, reason: "offline", sentence: "There is no room to ask at the moment." };

type Ports = {
  readonly up: () => boolean;
  readonly send: (message: MessageOf<"historyAsk"> | MessageOf<"rollback">) => void;
  readonly nextRef: () => number;
};

export class PastState {
  private readonly ports: Ports;
  private readonly asked = new Map<number, (result: HistoryResult | RollbackResult) => void>();

  constructor(ports: Ports) {
    this.ports = ports;
  }

  history({ by = "", object = "", since, limit = PAGE }: HistoryOptions = {}): Promise<HistoryResult> {
    judgeSince(since);
    mustBeNumber("history: limit", limit, 1);
    const page = Math.max(1, Math.min(LIMITS.historyEntries, Math.round(limit)));
    return this.ask((ref) => ({ type: "historyAsk", ref, by, object, sinceMs: timeOf(since), limit: page })) as Promise<HistoryResult>;
  }

  /** Throws a RangeError when nothing is named: undoing everything is nobody's intention. */
  rollback({ by = "", object = "", since }: RollbackOptions): Promise<RollbackResult> {
    judgeSince(since);
    if (by === "" && object === "" && since === undefined) throw new RangeError("A rollback names a person, an object or a moment.");
    return this.ask((ref) => ({ type: "rollback", ref, by, object, sinceMs: timeOf(since) })) as Promise<RollbackResult>;
  }

  onHistory({ ref, startMs, more, entries }: MessageOf<"history">): void {
    this.settle(ref, { ok: true, startMs, more, entries });
  }

  onRolledBack({ ref, changed, kept }: MessageOf<"rolledBack">): void {
    this.settle(ref, { ok: true, changed, kept });
  }

  /** False when `ref` was no question of ours. */
  refused(ref: number, reason: DeniedReason, sentence: string): boolean {
    return this.settle(ref, { ok: false, reason, sentence });
  }

  linkDown(): void {
    for (const ref of this.asked.keys()) this.settle(ref, OFFLINE);
  }

  private ask(message: (ref: number) => MessageOf<"historyAsk"> | MessageOf<"rollback">): Promise<HistoryResult | RollbackResult> {
    if (!this.ports.up()) return Promise.resolve(OFFLINE);
    const ref = this.ports.nextRef();
    return new Promise((resolve) => {
      this.asked.set(ref, resolve);
      this.ports.send(message(ref));
    });
  }

  private settle(ref: number, result: HistoryResult | RollbackResult): boolean {
    const resolve = this.asked.get(ref);
    if (resolve === undefined) return false;
    this.asked.delete(ref);
    resolve(result);
    return true;
  }
}

const timeOf = (since: number | Date | undefined): number => Math.max(0, since === undefined ? 0 : Number(since));
