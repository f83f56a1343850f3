/**
 * What became of the edits that were made without a link: each was saved, or came back with a reason, and the application is told once all
 * of them are settled.
 *
 * [RR1] Every edit ends in exactly one outcome. Edits made while the report is open and the link is down join it.
 */
import { type Edit, objectsOf } from "./edit-journal.ts";
import type { DeniedReason, MergeReport, MergedEdit } from "./space-types.ts";

export class ReturnReport {
  private open = new Map<string, readonly string[]>();
  private done: MergedEdit[] = [];
  private readonly onComplete: (report: MergeReport) => void;

  constructor(onComplete: (report: MergeReport) => void) {
    this.onComplete = onComplete;
  }

  /** An edit was made, or restored from the device, without a link. */
  made(id: string, edits: readonly Edit[]): void {
    this.open.set(id, objectsOf(edits));
  }

  saved(id: string): void {
    this.settle(id, "saved", "");
  }

  refused(id: string, reason: DeniedReason, sentence: string): void {
    this.settle(id, reason, sentence);
  }

  /** These are another person's: no outcome of ours. */
  forget(ids: ReadonlySet<string>): void {
    for (const id of ids) this.open.delete(id);
  }

  private settle(id: string, outcome: MergedEdit["outcome"], sentence: string): void {
    const objects = this.open.get(id);
    if (objects === undefined) return;
    this.open.delete(id);
    this.done.push({ objects, outcome, sentence });
    if (this.open.size > 0) return;
    const edits = this.done;
    this.done = [];
    this.onComplete({ edits, saved: edits.filter((edit) => edit.outcome === "saved").length });
  }
}
