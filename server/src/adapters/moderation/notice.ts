/** What a person is told of a measure about them: what they may not, for how much longer, why, and that they can object. Pure. */
import type { MeasureKind } from "./policy.ts";

const MINUTE_MS = 60_000;

export type PersonMeasure = Exclude<MeasureKind, "quarantine">;

const WHAT: Readonly<Record<PersonMeasure, string>> = {
  bubble: "You and another person do not see each other",
  mute: "You may not chat here",
  freeze: "You may not change or pick up things here",
  remove: "You may not be in this space",
};
/** A case's reason, as something that was done. What is not here is said as it is: the text model's heads. */
const WHY: Readonly<Record<string, string>> = {
  "personal-space": "coming too close",
  "minor-safety": "a child's safety",
  vandalism: "destroying things",
  threat: "a threat",
  sexual: "sexual content",
  insult: "an insult",
  following: "following somebody",
  blocking: "standing in somebody's way",
  bubble: "coming too close",
  gestures: "gestures at somebody",
  objectSpam: "flooding the place with objects",
  chatFlood: "flooding the chat",
  other: "",
};

/** Below 200 bytes. `reason`: the case's; "" or undefined when it is not known. */
export function noticeOf(kind: PersonMeasure, leftMs: number, reason = ""): string {
  const why = WHY[reason] ?? reason;
  const because = why === "" ? "" : ` Reason: ${why}.`;
  return `${WHAT[kind]} for the next ${spanOf(leftMs)}.${because} You can appeal; a moderator then looks at it again.`;
}

/** Rounded up, so that nothing is over before it was said to be. */
function spanOf(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / MINUTE_MS));
  if (minutes === 1) return "minute";
  if (minutes <= 120) return `${minutes} minutes`;
  const hours = Math.ceil(minutes / 60);
  return hours <= 48 ? `${hours} hours` : `${Math.ceil(hours / 24)} days`;
}
