/**
 * The latest event of every object of one scene: what the worker has yet to see, and what a fresh worker is told after a crash.
 *
 * [OL1] One entry per object; a newer version replaces an older one, so a flood of edits to one object is one event.
 * [OL2] An event is handed out at least once after every change and after `replay`; the receiver is idempotent by version.
 * [OL3] A deletion is remembered until it has been delivered, then the entry is gone. At most `capacity` objects; more are refused and counted.
 * [OL4] An event that was given up is not handed out again; the object's next version is.
 */
import type { GoneEvent, ObjectEvent } from "./search/index.ts";

export type LedgerEvent = ObjectEvent | GoneEvent;

export class ObjectLedger {
  private readonly latest = new Map<string, LedgerEvent>();
  /** Undelivered objects -> when they first became so, oldest first. */
  private readonly dirty = new Map<string, number>();
  private readonly buried = new Set<string>();
  private readonly capacity: number;
  refused = 0;
  coalesced = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get undelivered(): number {
    return this.dirty.size;
  }
  get size(): number {
    return this.latest.size;
  }
  /** When the event that has waited longest came, or undefined. */
  get oldestMs(): number | undefined {
    return this.dirty.values().next().value;
  }

  /** False when the event is stale or refused. */
  put(event: LedgerEvent, nowMs: number): boolean {
    const known = this.latest.get(event.object);
    if (known !== undefined && event.version <= known.version) return false;
    if (known === undefined && this.latest.size >= this.capacity) {
      this.refused++;
      return false;
    }
    this.latest.set(event.object, event);
    this.buried.delete(event.object);
    if (this.dirty.has(event.object)) this.coalesced++;
    else this.dirty.set(event.object, nowMs);
    return true;
  }

  /** Up to `max` undelivered events, longest waiting first; they count as handed out. */
  take(max: number): LedgerEvent[] {
    const taken: LedgerEvent[] = [];
    for (const id of this.dirty.keys()) {
      if (taken.length === max) break;
      this.dirty.delete(id);
      const event = this.latest.get(id);
      if (event !== undefined) taken.push(event);
    }
    return taken;
  }

  /** The receiver has handled `event`. */
  delivered(event: LedgerEvent): void {
    if (event.kind === "objectGone" && this.latest.get(event.object) === event) {
      this.latest.delete(event.object);
      this.buried.delete(event.object);
    }
  }

  /** `event` was handed out and got lost: it is to be delivered again, unless a newer one is. */
  redo(event: LedgerEvent, nowMs: number): void {
    if (this.latest.get(event.object) === event && !this.buried.has(event.object) && !this.dirty.has(event.object))
      this.dirty.set(event.object, nowMs);
  }

  /** Gives an object's event up; false when that was done already, or a newer one is there. */
  bury(object: string, version: number): boolean {
    if (this.latest.get(object)?.version !== version || this.buried.has(object)) return false;
    this.buried.add(object);
    this.dirty.delete(object);
    return true;
  }

  /** The receiver knows nothing any more: everything is to be delivered again. */
  replay(nowMs: number): void {
    for (const id of this.latest.keys()) if (!this.dirty.has(id) && !this.buried.has(id)) this.dirty.set(id, nowMs);
  }

  events(): Iterable<LedgerEvent> {
    return this.latest.values();
  }
}
