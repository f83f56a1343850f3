/**
 * Claims and releases in the one form the desk judges: today's messages as they are, those of older clients brought up to them, and
 * numbers that no honest client sends made harmless.
 */
import { LIMITS, type MessageOf } from "@copresence/shared/protocol";

export type Take = MessageOf<"take">;
export type LetGo = MessageOf<"letGo">;

/** How far back a release may lie: one stalled packet and more. Nobody gains by it, the object was in their hand. */
const RELEASE_REWIND_MS = 4 * LIMITS.rewindMs;

/** `scale` 0: the object keeps the scale it has. */
export function asTake(message: MessageOf<"grab"> | Take, tickMs: number): Take {
  if (message.type === "grab") {
    const { seq, object, hand, atTick, gripMm, gripRotation } = message;
    return { type: "take", seq, object, hand, atMs: atTick * tickMs, gripMm, gripRotation, scale: 0, spanMm: 0 };
  }
  const { hand, scale, spanMm, atMs } = message;
  return { ...message, atMs: Number.isFinite(atMs) ? atMs : 0, scale: usable(scale), spanMm: hand === "both" ? Math.max(1, spanMm) : 0 };
}

/** The release's time lies between the grip and now, and not further back than a network explains. */
export function asLetGo(message: MessageOf<"release"> | LetGo, touchMs: number, nowMs: number): LetGo {
  const release: LetGo = message.type === "release" ? { ...message, type: "letGo", atMs: nowMs, scale: 0 } : message;
  const earliest = Math.max(touchMs, nowMs - RELEASE_REWIND_MS);
  const atMs = Number.isFinite(release.atMs) ? Math.min(nowMs, Math.max(earliest, release.atMs)) : nowMs;
  return { ...release, atMs, scale: usable(release.scale) };
}

const usable = (scale: number): number => (Number.isFinite(scale) && scale > 0 ? scale : 0);
