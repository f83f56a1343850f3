/**
 * What becomes of messages that are not taken: the author is told why, and who goes on is closed (scene-document.ts, [SE3] [SE4]).
 */
import { isIdentifier } from "@copresence/shared/base";
import type { CloseName, DeniedReason } from "@copresence/shared/protocol";
import type { CoreEffect } from "../types.ts";
import { type DocOutbound, sdkMessage } from "./doc-outbound.ts";
import { type DocSession, FORGED_MAX } from "./doc-session.ts";
import { encodePermissionDenied } from "./doc-wire.ts";
import type { Denial } from "./policy.ts";
import type { Settlement } from "./settlement.ts";

export class Refusals {
  private readonly out: DocOutbound;
  private readonly settlement: Settlement;

  constructor(out: DocOutbound, settlement: Settlement) {
    this.out = out;
    this.settlement = settlement;
  }

  /** `forged`: no honest client sends this. `nowMs` only fills token buckets. `ordinal`: of the message. */
  refuse(from: DocSession, denial: Denial, forged: boolean, nowMs: number, ordinal = from.received): CoreEffect[] {
    const keep = denial.reason === "read-only";
    from.stale = keep ? "read-only" : "refused";
    const ref = ordinal & 0xffff;
    const object = isIdentifier(denial.object) ? denial.object : "";
    const field = isIdentifier(denial.field) ? denial.field : "";
    const effects: CoreEffect[] = [{ kind: "count", metric: forged ? "malformed" : "edit_denied", by: 1 }];
    if (from.peer === "sdk") {
      effects.push(sdkMessage(from.id, { type: "denied", ref, reason: denial.reason, object, field, sentence: clip(denial.sentence) }));
      if (!keep) effects.push(this.out.toPeer(from, encodePermissionDenied(denial.reason)));
      effects.push(...this.settlement.settle(from, ordinal));
    } else {
      effects.push(this.out.toPeer(from, encodePermissionDenied(denial.reason)));
    }
    const reason = verdictOn(from, forged, keep, nowMs);
    if (reason !== undefined) effects.push({ kind: "close", session: from.id, reason });
    return effects;
  }

  /** A message that is no edit and cannot be read. */
  strike(from: DocSession, nowMs: number): CoreEffect[] {
    return this.refuse(from, refusal("malformed", "A document message could not be read."), true, nowMs);
  }
}

function verdictOn(from: DocSession, forged: boolean, keep: boolean, nowMs: number): CloseName | undefined {
  if (forged && ++from.forged >= FORGED_MAX) return "malformedMessage";
  if (from.peer === "stock") return keep ? "storageUnavailable" : forged ? "malformedMessage" : "deniedTooOften";
  return keep || from.denials.take(nowMs) ? undefined : "deniedTooOften";
}

/** A refusal that is about no object in particular. */
export const refusal = (reason: DeniedReason, sentence: string): Denial => ({ reason, object: "", field: "", sentence });

/** Sentences travel in 256 bytes; ours are ASCII. */
export const clip = (sentence: string): string => sentence.replace(/[^\x20-\x7e]/g, "?").slice(0, 256);
