/**
 * From what models, limits and people say to the least that protects. Pure.
 *
 * [PO1] Nothing here is for ever: every measure has an end, and a person can take it back earlier.
 * [PO2] A report alone takes nothing from anybody: reporting is no weapon. Who reports is protected by what they can do themselves.
 * [PO3] Behaviour fails open: without the model nobody is restrained for how they move; floods have hard limits that need none. Text fails as
 *       the scene says (`moderation.failOpen`).
 * [PO4] A scene can raise a threshold, or turn measures off; then cases are still opened for people to look at.
 */
import type { Alarm, Report } from "../../core/types.ts";

export const MEASURES = ["bubble", "mute", "freeze", "remove", "quarantine"] as const;
export type MeasureKind = (typeof MEASURES)[number];
export type Severity = 1 | 2 | 3;

export type SafetySettings = {
  /** Off: cases are opened, and only people decide. */
  readonly automatic: boolean;
  /** Least score of a behaviour alarm that counts, by offence; the model's own threshold holds below. */
  readonly scores: Readonly<Partial<Record<Alarm["offence"], number>>>;
  /** Texts of one person hidden within ten minutes before they are muted. */
  readonly hiddenTexts: number;
};
export const DEFAULT_SAFETY: SafetySettings = { automatic: true, scores: {}, hiddenTexts: 3 };

export type Answer = {
  readonly severity: Severity;
  readonly measure: { readonly kind: MeasureKind; readonly forMs: number } | undefined;
  /** What it was weighed by, for the audit log. */
  readonly thresholds: Readonly<Record<string, number>>;
};

const MINUTE = 60_000;
const FLOOD_MEASURE = { objectSpam: "freeze", vandalism: "freeze", chatFlood: "mute" } as const;
/** First time, second time, from then on. */
const FLOOD_MS = [2 * MINUTE, 10 * MINUTE, 60 * MINUTE] as const;
const BUBBLE_MS = [10 * MINUTE, 60 * MINUTE, 24 * 60 * MINUTE] as const;
const MUTE_MS = [5 * MINUTE, 30 * MINUTE, 24 * 60 * MINUTE] as const;
const URGENT: ReadonlySet<Report["reason"]> = new Set(["threat", "sexual", "minor-safety", "hate"]);

const step = (steps: readonly [number, number, number], before: number): number => steps[Math.min(before, 2)] as number;

/** `before`: measures about this person in the last day. Undefined: below the scene's threshold, nothing happened. */
export function answerAlarm(alarm: Alarm, settings: SafetySettings, before: number): Answer | undefined {
  const least = settings.scores[alarm.offence] ?? 0;
  if (alarm.score < least) return undefined;
  const thresholds = { [alarm.offence]: least };
  const severity: Severity = before >= 2 ? 3 : before === 1 ? 2 : 1;
  if (!settings.automatic) return { severity, measure: undefined, thresholds };
  if (alarm.offence === "objectSpam" || alarm.offence === "vandalism" || alarm.offence === "chatFlood") {
    return { severity, measure: { kind: FLOOD_MEASURE[alarm.offence], forMs: step(FLOOD_MS, before) }, thresholds };
  }
  return { severity, measure: alarm.victim === "" ? undefined : { kind: "bubble", forMs: step(BUBBLE_MS, before) }, thresholds };
}

export function answerReport(report: Report): Answer {
  return { severity: URGENT.has(report.reason) ? 3 : 2, measure: undefined, thresholds: {} };
}

/** `hidden`: texts of this person hidden within ten minutes. Undefined: the hidden text itself is all there is to it. */
export function answerHiddenTexts(hidden: number, settings: SafetySettings, before: number): Answer | undefined {
  if (hidden < settings.hiddenTexts) return undefined;
  const measure = settings.automatic ? ({ kind: "mute", forMs: step(MUTE_MS, before) } as const) : undefined;
  return { severity: 2, measure, thresholds: { hiddenTexts: settings.hiddenTexts } };
}
