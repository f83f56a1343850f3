/**
 * What has been admitted and is on its way to the disk, and the generation of the document that it was admitted to.
 *
 * [IN1] Nothing is admitted while the store is in trouble or the document is being re-rooted; `fault` says so before anything is judged.
 *       Nor while as much waits as may; who comes then is held (held-edits.ts).
 * [IN2] Who owns a clientID is durable no later than the first edit written under it: a claim goes before it in the same queue.
 */
import type { SessionId } from "@copresence/shared/base";
import type { AppendRecord, CoreEffect } from "../types.ts";
import { AppendQueue } from "./append-queue.ts";
import type { ToldEdit } from "./broadcasts.ts";
import { NOBODY } from "./client-registry.ts";
import type { DocumentRoot } from "./document-root.ts";
import type { Admitted } from "./gate.ts";
import { HeldEdits } from "./held-edits.ts";
import type { Denial } from "./policy.ts";
import { refusal } from "./refusals.ts";
import { Renewal } from "./renewal.ts";
import { retiredWith, RETIRED_NOTE } from "./retired-clients.ts";
import type { Settling } from "./settlement.ts";
import { NOTHING } from "./update-bytes.ts";

/** Delete ranges that may wait for the disk: each new deletion is compared with all of them. */
const WAITING_DELETES_MAX = 16_384;

export type Edit = Settling & ToldEdit & Pick<Admitted, "weightUs" | "places"> & { record: AppendRecord };
export type EditAuthor = { readonly user: string; readonly session: SessionId | undefined; readonly synced: number; readonly ackTo: number };

export class Intake {
  /** The generation in charge. */
  root: DocumentRoot;
  readonly queue = new AppendQueue<Edit>();
  readonly held = new HeldEdits();
  readonly renewal = new Renewal();
  /** Why the store does not work; undefined while it does. */
  trouble: string | undefined;

  constructor(root: DocumentRoot) {
    this.root = root;
  }

  /** Number of the batch that the newest of what waits is part of; undefined when nothing waits. */
  get newestWaiting(): number | undefined {
    return this.queue.length === 0 ? undefined : this.queue.newest;
  }

  get closed(): boolean {
    return this.trouble !== undefined || this.renewal.active;
  }

  /** Why no edit of this size can be taken now, or undefined. */
  fault(bytes: number): Denial | undefined {
    if (this.trouble !== undefined) return refusal("read-only", "Edits cannot be saved at the moment; yours are kept until they can.");
    if (this.renewal.active && this.held.empty) return refusal("read-only", "The space's document is being renewed; try again in a moment.");
    return this.root.size.fits(bytes) ? undefined : refusal("too-large", "The space's document is full; delete something first.");
  }

  /** As `fault`, for what is decided at once or not at all. */
  faultNow(bytes: number): Denial | undefined {
    if (this.crowded(bytes)) return refusal("too-many", "More edits wait to be saved than the space can hold; try again.");
    return this.fault(bytes);
  }

  /** Whether as much waits for the disk as may. */
  crowded(bytes: number): boolean {
    return !this.queue.fits(bytes) || this.root.pending.deleteRanges > WAITING_DELETES_MAX;
  }

  take(admitted: Admitted, { user, ...author }: EditAuthor): Edit {
    const { update, client, clock, clocks, fresh, weightUs, places, pieces, ranges } = admitted;
    for (const other of fresh) if (other !== client) this.claim(other, user);
    const edit: Edit = { record: { user, client, clock, update }, clocks, weightUs, places, pieces, ranges, ...author };
    this.root.pending.addDeletes(ranges);
    this.queue.push(edit);
    return edit;
  }

  /** The room's own update, made for `user`. */
  takeOwn(update: Uint8Array, user: string): CoreEffect[] {
    const { root } = this;
    const admitted = root.gate.admitOwn(update);
    if (admitted === undefined) return [];
    if (!root.ownClaimed) this.claim(root.clientId, NOBODY);
    root.ownClaimed = true;
    this.take(admitted, { user, session: undefined, synced: 0, ackTo: 0 });
    return this.launch([]);
  }

  /** What still waits, and whose clientIDs are whose, names `alias` instead of a person who was erased. */
  forgetPerson(user: string, alias: string): void {
    this.root.clients.rename(user, alias);
    this.held.forgetPerson(user, alias);
    for (const edit of this.queue.all()) if (edit.record.user === user) edit.record = { ...edit.record, user: alias };
  }

  /** Adds what the store is to do next: the next batch, or a re-rooting that waited for the last one. */
  launch(effects: CoreEffect[]): CoreEffect[] {
    if (this.trouble !== undefined) return effects;
    effects.push(...this.nextBatch());
    if (this.renewal.begin(this.queue.length === 0 && this.held.empty))
      effects.push({ kind: "reroot", note: { key: RETIRED_NOTE, value: retiredWith(this.root).encode() } });
    return effects;
  }

  /** The next batch, if nothing is on its way and something waits. The disk may have it while the one before is being applied. */
  nextBatch(): CoreEffect[] {
    const batch = this.trouble === undefined ? this.queue.launch() : undefined;
    return batch === undefined ? [] : [{ kind: "append", batch: batch.number, records: batch.edits.map(({ record }) => record) }];
  }

  /** An empty record, by which the store learns whose a clientID is [IN2]. */
  private claim(client: number, user: string): void {
    this.root.pending.addDeletes(new Map());
    this.queue.push({ record: { user, client, clock: 0, update: NOTHING }, session: undefined, synced: 0, ackTo: 0, ...NO_CHANGE });
  }
}

const NO_CHANGE = { clocks: [], weightUs: 0, places: new Set<never>(), pieces: new Map<never, never>(), ranges: new Map<never, never>() } as const;
