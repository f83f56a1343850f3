/**
 * Reports of people about people, with the evidence that a moderator needs and that nobody has to keep otherwise.
 *
 * [RP1] Evidence is what was said and who was near in the last EVIDENCE_MS, never motion itself: a report carries distances and counts.
 * [RP2] A person may report REPORTS_BURST times at once and one more every ten minutes: false reports are a weapon.
 * [RP3] Without reports nothing outlives EVIDENCE_MS.
 */
import { LIMITS } from "@copresence/shared/protocol";
import { TokenBucket } from "../rate-limits.ts";

const EVIDENCE_MS = 60_000;
const LINES_MAX = 256;
const REPORTS_BURST = 5;
const REPORTS_PER_SECOND = 1 / 600;
/** People with a bucket: whoever reported lately. */
const REPORTERS_MAX = 4 * LIMITS.people;

export type EvidenceLine = { readonly id: number; readonly user: string; readonly atMs: number; readonly text: string; readonly hidden: boolean };
export type Evidence = {
  readonly lines: readonly EvidenceLine[];
  /** Horizontal metres between the two now; undefined where either has no pose. */
  readonly distanceM: number | undefined;
  /** Users within hearing of both. */
  readonly witnesses: readonly string[];
};

export class Reports {
  private readonly lines: EvidenceLine[] = [];
  private readonly buckets = new Map<string, TokenBucket>();
  private lastId = 0;

  heard(line: EvidenceLine): void {
    this.lines.push(line);
    if (this.lines.length > LINES_MAX) this.lines.shift();
  }

  /** Lines of this person that may still be needed. */
  linesOf(user: string, nowMs: number): readonly EvidenceLine[] {
    while (this.lines[0] !== undefined && nowMs - this.lines[0].atMs > EVIDENCE_MS) this.lines.shift();
    return this.lines.filter((line) => line.user === user);
  }

  /** The number of a new report, or undefined when this person has reported too much. */
  admit(user: string, nowMs: number): number | undefined {
    let bucket = this.buckets.get(user);
    if (bucket === undefined) {
      if (this.buckets.size >= REPORTERS_MAX) {
        const [oldest] = this.buckets.keys();
        if (oldest !== undefined) this.buckets.delete(oldest);
      }
      bucket = new TokenBucket({ perSecond: REPORTS_PER_SECOND, burst: REPORTS_BURST, nowMs });
      this.buckets.set(user, bucket);
    }
    return bucket.take(nowMs) ? ++this.lastId : undefined;
  }
}
