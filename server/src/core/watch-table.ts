/**
 * Standing questions: who wants to know what, when each is to be asked again, and whether its answer is news.
 *
 * [WT1] A question is asked again at most every `WATCH_REST_MS`, only after something changed, and never while its last asking is open.
 * [WT2] At most `LIMITS.watchesPerPerson` per session and `MAX_WATCHES` in the room; at most `ASKS_A_STEP` are asked in one step.
 * [WT3] Somebody who watches from where they stand is asked again when they have moved `MOVED_M`.
 */
import type { SessionId } from "@copresence/shared/base";
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";

export const WATCH_REST_MS = 250;
const MAX_WATCHES = 128;
const ASKS_A_STEP = 8;
const MOVED_M = 0.3;
/** After a question that nobody answered: the pipeline is down or flooded. */
const TIRED_MS = 2000;

export type Watch = {
  readonly session: SessionId;
  readonly message: MessageOf<"watch">;
  dirty: boolean;
  open: boolean;
  nextMs: number;
  /** What the session was told last, to tell it only news. */
  told: string | undefined;
  askedAt: readonly number[] | undefined;
};

export class WatchTable {
  private readonly watches = new Map<string, Watch>();

  get size(): number {
    return this.watches.size;
  }
  get(session: SessionId, ref: number): Watch | undefined {
    return this.watches.get(`${session}/${ref}`);
  }

  /** False when there are too many. A repeated `ref` replaces. */
  add(session: SessionId, message: MessageOf<"watch">): boolean {
    const key = `${session}/${message.ref}`;
    const mine = [...this.watches.values()].filter((watch) => watch.session === session).length;
    if (!this.watches.has(key) && (mine >= LIMITS.watchesPerPerson || this.watches.size >= MAX_WATCHES)) return false;
    this.watches.delete(key);
    this.watches.set(key, { session, message, dirty: true, open: false, nextMs: 0, told: undefined, askedAt: undefined });
    return true;
  }
  remove(session: SessionId, ref: number): void {
    this.watches.delete(`${session}/${ref}`);
  }
  leave(session: SessionId): void {
    for (const [key, watch] of this.watches) if (watch.session === session) this.watches.delete(key);
  }

  sceneChanged(): void {
    for (const watch of this.watches.values()) watch.dirty = true;
  }

  /** Those to ask now, the longest waiting first; they count as asked. `headOf`: where a session's head is. */
  due(nowMs: number, headOf: (session: SessionId) => readonly number[] | undefined): Watch[] {
    const due: Watch[] = [];
    for (const [key, watch] of this.watches) {
      if (due.length === ASKS_A_STEP) break;
      if (watch.open || nowMs < watch.nextMs) continue;
      const head = watch.message.from === null ? headOf(watch.session) : undefined;
      const moved =
        head !== undefined && (watch.askedAt === undefined || Math.hypot(...head.map((metres, i) => metres - (watch.askedAt?.[i] ?? 0))) > MOVED_M);
      if (!watch.dirty && !moved) continue;
      Object.assign(watch, { dirty: false, open: true, nextMs: nowMs + WATCH_REST_MS, askedAt: head });
      this.watches.delete(key);
      this.watches.set(key, watch);
      due.push(watch);
    }
    return due;
  }

  /** The answer came; true when it is news. */
  answered(watch: Watch, answer: string): boolean {
    watch.open = false;
    if (watch.told === answer) return false;
    watch.told = answer;
    return true;
  }
  /** No answer came: asked again after a while. */
  missed(watch: Watch, nowMs: number): void {
    Object.assign(watch, { open: false, dirty: true, nextMs: nowMs + TIRED_MS });
  }
}
