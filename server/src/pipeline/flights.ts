/**
 * What was handed to a carrier and has not come back, by part. At-least-once hangs on this: what is lost on the way is handed out again.
 *
 * [FL1] Ids rise; flights of a part are kept oldest first.
 */
import type { PipelineEvent } from "../core/types.ts";
import { isLedgerEvent } from "./event-key.ts";
import type { SceneLanes } from "./scene-lanes.ts";

export type Flight = {
  readonly id: number;
  readonly lanes: SceneLanes;
  readonly event: PipelineEvent;
  readonly sentMs: number;
  readonly sinceMs: number;
};

export class Flights {
  private readonly parts = new Map<number, Map<number, Flight>>();
  /** The id given out last. */
  newest = 0;

  start(lanes: SceneLanes, event: PipelineEvent, times: { readonly sentMs: number; readonly sinceMs: number }): number {
    const id = ++this.newest;
    let part = this.parts.get(lanes.part);
    if (part === undefined) this.parts.set(lanes.part, (part = new Map()));
    part.set(id, { id, lanes, event, ...times });
    return id;
  }

  land(part: number, id: number): Flight | undefined {
    const flight = this.parts.get(part)?.get(id);
    this.parts.get(part)?.delete(id);
    return flight;
  }

  /** Everything of a part that was sent at `untilMs` or before, out of here. */
  lose(part: number, untilMs = Infinity): Flight[] {
    const lost: Flight[] = [];
    for (const flight of this.parts.get(part)?.values() ?? []) {
      if (flight.sentMs > untilMs) break;
      lost.push(flight);
    }
    for (const { id } of lost) this.parts.get(part)?.delete(id);
    return lost;
  }

  /** Whether an object's event up to `id` is still out. */
  hasObjectsUpTo(part: number, id: number): boolean {
    for (const flight of this.parts.get(part)?.values() ?? []) {
      if (flight.id > id) return false;
      if (isLedgerEvent(flight.event)) return true;
    }
    return false;
  }

  forget(lanes: SceneLanes): void {
    const part = this.parts.get(lanes.part);
    for (const [id, flight] of part ?? []) if (flight.lanes === lanes) part?.delete(id);
  }

  get size(): number {
    let sum = 0;
    for (const part of this.parts.values()) sum += part.size;
    return sum;
  }
  get oldestMs(): number | undefined {
    let oldest: number | undefined;
    for (const part of this.parts.values()) {
      const [first] = part.values();
      if (first !== undefined && (oldest === undefined || first.sinceMs < oldest)) oldest = first.sinceMs;
    }
    return oldest;
  }
}
