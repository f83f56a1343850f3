/**
 * Where objects come to rest: one durable, server-authored write per hold.
 *
 * [SD1] The end of a hold is shown after the write that says where the object rests, so it does not jump back for the time of an fsync;
 *       or after `SHOW_AFTER_MS`, whatever the store does.
 * [SD2] What cannot be written because the store is in trouble is kept, newest per object, and written when it works again.
 * [SD3] A new hold cancels what an earlier one still had to show.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { ObjectTransform } from "@copresence/shared/scene";
import type { CoreEffect } from "./types.ts";

/** The part of the scene document this desk needs. */
export type TransformWriter = {
  readonly readOnly: boolean;
  /** Number of the batch that makes the newest edit durable, while any waits. */
  readonly queuedBatch: number;
  readonly pendingBatches: number;
  writeTransform(object: string, transform: ObjectTransform, user: string): readonly CoreEffect[];
};

/** An fsync takes about a millisecond; an object that follows a hand longer than this after its release looks stuck to it. */
const SHOW_AFTER_MS = 250;
/** Every object that could be in a hand when the store fails. */
const MAX_KEPT = LIMITS.people * LIMITS.leasesPerPerson;

type Showing = { readonly object: string; readonly batch: number; readonly deadlineMs: number };
type Kept = { readonly object: string; readonly transform: ObjectTransform; readonly user: string };

export class SettleDesk {
  private readonly document: TransformWriter;
  /** Passes on what the document decided. */
  private readonly absorb: (effects: readonly CoreEffect[]) => void;
  /** Tells everybody that nobody holds the object any more. */
  private readonly showGone: (object: string) => void;
  private readonly showing: Showing[] = [];
  private readonly kept: Kept[] = [];

  constructor(options: {
    readonly document: TransformWriter;
    readonly absorb: (effects: readonly CoreEffect[]) => void;
    readonly showGone: (object: string) => void;
  }) {
    this.document = options.document;
    this.absorb = options.absorb;
    this.showGone = options.showGone;
  }

  /** Puts an object down. `at` undefined: nobody knows where the hand was, the object returns to where it rested before. */
  settle(object: string, at: ObjectTransform | undefined, by: { readonly user: string; readonly nowMs: number; readonly showNow: boolean }): void {
    const batch = at === undefined ? undefined : this.write({ object, transform: at, user: by.user });
    if (batch === undefined || by.showNow) this.showGone(object);
    else this.showing.push({ object, batch, deadlineMs: by.nowMs + SHOW_AFTER_MS });
  }

  /** A batch was answered and its effects have been passed on. */
  appended(batch: number): void {
    this.show((item) => item.batch === batch);
  }

  flush(nowMs: number): void {
    this.show((item) => item.deadlineMs <= nowMs);
  }

  recovered(): void {
    for (const item of this.kept.splice(0)) this.write(item);
  }

  /** Whether an object's resting place waits for the store to work again [SD2]. */
  waits(object: string): boolean {
    return this.kept.some((item) => item.object === object);
  }

  /** The object is held anew or gone: nothing of the last hold is left to show or to write. True if its end was still to be shown. */
  cancel(object: string): boolean {
    remove(this.kept, (item) => item.object === object);
    return remove(this.showing, (item) => item.object === object).length > 0;
  }

  /** Number of the batch that makes the write durable, or undefined when it is not under way. */
  private write(item: Kept): number | undefined {
    if (this.document.readOnly) {
      remove(this.kept, (other) => other.object === item.object);
      if (this.kept.length < MAX_KEPT) this.kept.push(item);
      return undefined;
    }
    this.absorb(this.document.writeTransform(item.object, item.transform, item.user));
    return this.document.pendingBatches > 0 ? this.document.queuedBatch : undefined;
  }

  private show(due: (item: Showing) => boolean): void {
    for (const item of remove(this.showing, due)) this.showGone(item.object);
  }
}

/** Takes out what matches, in order. */
function remove<T>(list: T[], matches: (item: T) => boolean): T[] {
  if (list.length === 0) return [];
  const taken = list.filter(matches);
  if (taken.length > 0) list.splice(0, list.length, ...list.filter((item) => !taken.includes(item)));
  return taken;
}
