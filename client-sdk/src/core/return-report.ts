/**
 * What became of the edits that were made without a link: each was saved, or came back with a reason, and the application is told once all
 * of them are settled.
 *
 * [RR1] Every edit ends in exactly one outcome. Edits made while the report is open and the link is down join it.
 * [RR2] A large edit that is sent in parts is saved when all of them are, and refused when one is.
 */
import { type Edit, objectsOf } from "./edit-journal.ts";
import type { DeniedReason, MergeReport, MergedEdit } from "./space-types.ts";

export class ReturnReport {
  private open = new Map<string, { readonly objects: Set<string>; parts: number }>();
  private done: MergedEdit[] = [];
  private readonly onComplete: (report: MergeReport) => void;

  constructor(onComplete: (report: MergeReport) => void) {
    this.onComplete = onComplete;
  }

  /** An edit, or one more part of it, was made, or restored from the device, without a link. */
  made(id: string, edits: readonly Edit[]): void {
    const edit = this.open.get(id) ?? { objects: new Set(), parts: 0 };
    edit.parts++;
    for (const object of objectsOf(edits)) edit.objects.add(object);
    this.open.set(id, edit);
  }

  /** A part has become this many. */
  split(id: string, parts: number): void {
    const edit = this.open.get(id);
    if (edit !== undefined) edit.parts += parts - 1;
  }

  saved(id: string): void {
    const edit = this.open.get(id);
    if (edit !== undefined && --edit.parts === 0) this.settle(id, "saved", "");
  }

  refused(id: string, reason: DeniedReason, sentence: string): void {
    this.settle(id, reason, sentence);
  }

  /** These are another person's: no outcome of ours. */
  forget(ids: ReadonlySet<string>): void {
    for (const id of ids) this.open.delete(id);
  }

  private settle(id: string, outcome: MergedEdit["outcome"], sentence: string): void {
    const edit = this.open.get(id);
    if (edit === undefined) return;
    this.open.delete(id);
    this.done.push({ objects: [...edit.objects], outcome, sentence });
    if (this.open.size > 0) return;
    const edits = this.done;
    this.done = [];
    this.onComplete({ edits, saved: edits.filter((edit) => edit.outcome === "saved").length });
  }
}
