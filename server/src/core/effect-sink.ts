/**
 * Collects what one `step` decided, in order.
 *
 * [ES1] Effects leave in the order they were decided; counts are summed per step and leave last, in the order of `METRICS`.
 * [ES2] Whoever is told something in text gets it within the registry's bounds: sentences are cut, never refused by the encoder.
 */
import type { SessionId } from "@copresence/shared/base";
import { type CloseName, deliveryOf, type DownMessage, encodeMessage } from "@copresence/shared/protocol";
import { cutUtf8 } from "./cut-utf8.ts";
import type { CoreEffect, CoreMetric, DeniedNotice, PipelineEvent, Report, SessionDelta } from "./types.ts";

const METRICS = [
  "pose_refused",
  "pose_clamped",
  "edit_denied",
  "edit_accepted",
  "grab_granted",
  "grab_denied",
  "malformed",
  "chat",
  "frame_skipped",
  "lease_expired",
  "relation",
  "report",
  "hide_refused",
  "alarm",
  "rollback",
  "rerooted",
] as const satisfies readonly CoreMetric[];
/** Bytes of `denied.object`, `denied.field` and `denied.sentence` (registry). */
const DENIED_NAME_BYTES = 64;
const DENIED_SENTENCE_BYTES = 256;

export class EffectSink {
  private effects: CoreEffect[] = [];
  private readonly counts = new Float64Array(METRICS.length);

  /** Encodes and queues one message; its delivery class comes from the registry. */
  send(session: SessionId, message: DownMessage): void {
    this.sendBytes(session, encodeMessage(message), deliveryOf(message.type) === "droppable");
  }

  /** `bytes` is a whole message with its envelope; it may be shared between sessions and is never written again. */
  sendBytes(session: SessionId, bytes: Uint8Array, droppable = false): void {
    this.effects.push({ kind: "send", session, bytes, droppable });
  }

  /** `bytes` is a view that lives until the next step [CO2]. */
  sendFrame(session: SessionId, bytes: Uint8Array): void {
    this.effects.push({ kind: "sendFrame", session, bytes });
  }

  /** Tells a session that what it asked for with `ref` was refused. */
  deny(session: SessionId, ref: number, notice: DeniedNotice): void {
    this.send(session, {
      type: "denied",
      ref,
      reason: notice.reason,
      object: cutUtf8(notice.object, DENIED_NAME_BYTES),
      field: cutUtf8(notice.field, DENIED_NAME_BYTES),
      sentence: cutUtf8(notice.sentence, DENIED_SENTENCE_BYTES),
    });
  }

  session(delta: SessionDelta): void {
    this.effects.push({ kind: "session", delta });
  }

  event(event: PipelineEvent): void {
    this.effects.push({ kind: "event", event });
  }

  report(report: Report): void {
    this.effects.push({ kind: "report", report });
  }

  close(session: SessionId, reason: CloseName): void {
    this.effects.push({ kind: "close", session, reason });
  }

  count(metric: CoreMetric, by = 1): void {
    const at = METRICS.indexOf(metric);
    this.counts[at] = (this.counts[at] ?? 0) + by;
  }

  /** Passes on an effect another module decided. */
  push(effect: CoreEffect): void {
    if (effect.kind === "count") this.count(effect.metric, effect.by);
    else this.effects.push(effect);
  }

  /** Nothing was decided yet that would have to leave first. */
  get empty(): boolean {
    return this.effects.length === 0;
  }

  /** What was collected since the last call. */
  take(): readonly CoreEffect[] {
    for (let i = 0; i < METRICS.length; i++) {
      const by = this.counts[i] ?? 0;
      const metric = METRICS[i];
      if (by === 0 || metric === undefined) continue;
      this.effects.push({ kind: "count", metric, by });
      this.counts[i] = 0;
    }
    const taken = this.effects;
    this.effects = [];
    return taken;
  }
}
