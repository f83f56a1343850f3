/**
 * What must hold in a simulated world, checked while it runs and once it has healed. A checker reports a sentence; the first one fails the seed.
 *
 * [CK1] Nobody is ever shown a non-finite pose or a rotation that is not one.
 * [CK2] An object has one holder at a time, as the room decides and, once healed, as everybody sees it.
 * [CK3] What a client was told is on disk is on disk after any crash.
 * [CK4] Once healed, every replica's objects equal the room's and the disk's.
 * [CK5] People are shown near where they were at the time they are shown at.
 */
import type { Lease, SessionDelta } from "@copresence/server/core";
import { DEVICE_COUNT, DEVICE_FLOATS, POSE_FLOATS } from "@copresence/shared/pose";

export class Violations {
  readonly found: string[] = [];
  report(checker: string, atMs: number, sentence: string): void {
    // The first few tell the story; a broken world repeats itself every tick.
    if (this.found.length < 8) this.found.push(`${checker} at ${atMs.toFixed(1)} ms: ${sentence}`);
  }
}

/** [CK1] `pose`: Float64Array[21]. */
export function checkFinite(pose: Float64Array, who: string, atMs: number, violations: Violations): boolean {
  for (let i = 0; i < POSE_FLOATS; i++) {
    if (Number.isFinite(pose[i])) continue;
    violations.report("finite", atMs, `${who}: value ${i} is ${pose[i]}`);
    return false;
  }
  for (let d = 0; d < DEVICE_COUNT; d++) {
    const at = d * DEVICE_FLOATS + 3;
    const norm = Math.hypot(pose[at] ?? 0, pose[at + 1] ?? 0, pose[at + 2] ?? 0, pose[at + 3] ?? 0);
    if (Math.abs(norm - 1) < 1e-3) continue;
    violations.report("finite", atMs, `${who}: quaternion of device ${d} has length ${norm}`);
    return false;
  }
  return true;
}

/** [CK2] Follows the session plane as the room decides it. */
export class HolderChecker {
  readonly holders = new Map<string, Lease>();
  private readonly violations: Violations;

  constructor(violations: Violations) {
    this.violations = violations;
  }

  observe(delta: SessionDelta, atMs: number): void {
    if (delta.kind === "leaseGone") {
      this.holders.delete(delta.object);
    } else if (delta.kind === "lease") {
      const before = this.holders.get(delta.lease.object);
      if (before !== undefined && before.slot !== delta.lease.slot)
        this.violations.report(
          "single holder",
          atMs,
          `${delta.lease.object} was given to slot ${delta.lease.slot} while slot ${before.slot} held it`,
        );
      this.holders.set(delta.lease.object, delta.lease);
    }
  }

  /** The room is gone, and every lease with it. */
  reset(): void {
    this.holders.clear();
  }
}

/** [CK3] Highest clock acknowledged as durable per Yjs client. */
export class DurabilityChecker {
  private readonly acked = new Map<number, number>();
  private readonly violations: Violations;

  constructor(violations: Violations) {
    this.violations = violations;
  }

  acknowledged(client: number, clock: number): void {
    this.acked.set(client, Math.max(clock, this.acked.get(client) ?? 0));
  }

  /** `has`: the state vector of the document as the disk gives it back. */
  check(has: ReadonlyMap<number, number>, atMs: number): void {
    for (const [client, clock] of this.acked) {
      const there = has.get(client) ?? 0;
      if (there < clock) this.violations.report("durability", atMs, `client ${client} was told clock ${clock} is on disk; the disk has ${there}`);
    }
  }
}

/** Where somebody truly was: a ring of poses by world time. */
export class TrueMotion {
  private readonly times: Float64Array;
  private readonly poses: Float64Array;
  private count = 0;

  constructor(capacity: number) {
    this.times = new Float64Array(capacity);
    this.poses = new Float64Array(capacity * POSE_FLOATS);
  }

  record(atMs: number, pose: Float64Array): void {
    const slot = this.count++ % this.times.length;
    this.times[slot] = atMs;
    this.poses.set(pose, slot * POSE_FLOATS);
  }

  /** Metres between `shown`'s head and the nearest true head position within +-`slackMs` of `atMs`; undefined where nothing was recorded. */
  headErrorM(shown: Float64Array, atMs: number, slackMs: number): number | undefined {
    let best: number | undefined;
    const kept = Math.min(this.count, this.times.length);
    for (let i = 0; i < kept; i++) {
      if (Math.abs((this.times[i] as number) - atMs) > slackMs) continue;
      const at = i * POSE_FLOATS;
      const error = Math.hypot(
        (shown[0] as number) - (this.poses[at] as number),
        (shown[1] as number) - (this.poses[at + 1] as number),
        (shown[2] as number) - (this.poses[at + 2] as number),
      );
      if (best === undefined || error < best) best = error;
    }
    return best;
  }
}

/** Displayed head error of a run: over how many looks, and how far off, m. */
export type DisplayError = { readonly n: number; readonly p50: number; readonly p95: number; readonly most: number };
/** Allowed displayed head error of a run, m: the median catches what is always wrong, the rest what is wrong now and then. */
export type DisplayBounds = Omit<DisplayError, "n">;

/** [CK5] */
export class DisplayChecker {
  private readonly errors: number[] = [];
  private readonly bounds: DisplayBounds;

  constructor(bounds: DisplayBounds) {
    this.bounds = bounds;
  }

  observe(errorM: number): void {
    this.errors.push(errorM);
  }

  finish(atMs: number, violations: Violations): DisplayError {
    const sorted = [...this.errors].sort((a, b) => a - b);
    const n = sorted.length;
    const at = (part: number): number => sorted[Math.min(n - 1, Math.floor(n * part))] ?? 0;
    const shown: DisplayError = { n, p50: at(0.5), p95: at(0.95), most: at(1) };
    for (const name of ["p50", "p95", "most"] as const) {
      if (shown[name] <= this.bounds[name]) continue;
      violations.report(
        "displayed error",
        atMs,
        `${name} is ${(shown[name] * 1000).toFixed(1)} mm of ${n} looks, allowed ${this.bounds[name] * 1000}`,
      );
    }
    return shown;
  }
}
