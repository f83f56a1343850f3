/**
 * `space.quality`: what a studio may turn, live. Judged here, so that a wrong value is a clear error where it was written and nothing changes.
 *
 * [QU1] `set` takes all of a change or nothing of it; what it refuses it names: the knob, the value, and what it may be.
 * [QU2] Every knob works from the next frame on, and over every reconnect.
 */
import { DEFAULT_PLAYOUT } from "@copresence/shared/time";
import { LIMITS } from "@copresence/shared/protocol";

export type QualityOptions = {
  /**
   * Part of the playout delay that others' heads and hands are guessed ahead, 0..1. 0 shows only what was measured: late, never wrong. 1 shows
   * the present: in time for a high five, and corrected when somebody turns. Default 0.5 and 0.85.
   */
  readonly forward: { readonly head: number; readonly hands: number };
  /** How slowly a wrong guess is corrected: time constant in ms, 0..500. Small is accurate, large is smooth. Default 10. */
  readonly smoothingMs: number;
  /** Bounds of the adaptive playout delay in ms, 0..2000. Equal bounds make it fixed. Default 5 and 500. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Pose messages a second that I send, 1..90, at most what the room asks for; "room": just that. */
  readonly uplinkHz: number | "room";
  /** What my view may cost, kbit/s, 64..65535; the room sends less detail of the farthest first. "room": as much as my link is seen to carry. */
  readonly viewKbitPerS: number | "room";
  /** How many people I get in full, the nearest and most looked at; all others come coarse, five to ten times a second. 0..1024, or "room". */
  readonly fullPeople: number | "room";
  /** Whether I get others' finger joints, buttons and gestures, gaze. Default: all of them. */
  readonly hands: boolean;
  readonly controls: boolean;
  readonly gaze: boolean;
  /** Whether others get mine. Joints, buttons and gestures by default; gaze never unless the application turns it on, and asks first. */
  readonly sendHands: boolean;
  readonly sendControls: boolean;
  readonly sendGaze: boolean;
};
export type QualityChange = {
  readonly [K in keyof QualityOptions]?: (K extends "forward" ? Partial<QualityOptions["forward"]> : QualityOptions[K]) | undefined;
};

export type Quality = QualityOptions & {
  /** Changes some knobs. Throws a RangeError that says what is wrong, and then changes nothing. */
  set(change: QualityChange): void;
};

export const DEFAULT_QUALITY: QualityOptions = {
  forward: { head: DEFAULT_PLAYOUT.forward[0], hands: DEFAULT_PLAYOUT.forward[1] },
  smoothingMs: DEFAULT_PLAYOUT.errorFadeMs,
  minDelayMs: DEFAULT_PLAYOUT.minDelayMs,
  maxDelayMs: DEFAULT_PLAYOUT.maxDelayMs,
  uplinkHz: "room",
  viewKbitPerS: "room",
  fullPeople: "room",
  hands: true,
  controls: true,
  gaze: true,
  sendHands: true,
  sendControls: true,
  sendGaze: false,
};

type Rule = { readonly min: number; readonly max: number; readonly whole?: boolean; readonly room?: boolean };
const RULES: { readonly [K in keyof QualityOptions]: Rule | "boolean" | "forward" } = {
  forward: "forward",
  smoothingMs: { min: 0, max: 500 },
  minDelayMs: { min: 0, max: 2000 },
  maxDelayMs: { min: 0, max: 2000 },
  uplinkHz: { min: 1, max: 90, room: true },
  viewKbitPerS: { min: 64, max: 65_535, whole: true, room: true },
  fullPeople: { min: 0, max: LIMITS.people, whole: true, room: true },
  hands: "boolean",
  controls: "boolean",
  gaze: "boolean",
  sendHands: "boolean",
  sendControls: "boolean",
  sendGaze: "boolean",
};
const FORWARD: Rule = { min: 0, max: 1 };

/** `base` with `change`; throws a RangeError [QU1]. */
export function changedQuality(base: QualityOptions, change: QualityChange): QualityOptions {
  for (const [knob, value] of Object.entries(change)) if (value !== undefined) judgeKnob(knob, value);
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as Partial<QualityOptions>;
  const next: QualityOptions = { ...base, ...given, forward: { ...base.forward, ...given.forward } };
  if (next.minDelayMs > next.maxDelayMs)
    throw new RangeError(`quality.minDelayMs (${next.minDelayMs}) is above quality.maxDelayMs (${next.maxDelayMs}).`);
  return next;
}

function judgeKnob(knob: string, value: unknown): void {
  if (!Object.hasOwn(RULES, knob)) throw new RangeError(`quality has no "${knob}"; it has ${Object.keys(RULES).join(", ")}.`);
  const rule = RULES[knob as keyof QualityOptions];
  if (rule === "boolean") {
    if (typeof value !== "boolean") throw new RangeError(`quality.${knob} is ${shown(value)}; it must be true or false.`);
  } else if (rule === "forward") {
    if (typeof value !== "object" || value === null) throw new RangeError(`quality.forward is ${shown(value)}; it must be { head, hands }.`);
    for (const [device, part] of Object.entries(value)) {
      if (device !== "head" && device !== "hands") throw new RangeError(`quality.forward has no "${device}"; it has head and hands.`);
      judgeNumber(`forward.${device}`, part, FORWARD);
    }
  } else judgeNumber(knob, value, rule);
}

function judgeNumber(knob: string, value: unknown, { min, max, whole, room }: Rule): void {
  if (room === true && value === "room") return;
  const fits = typeof value === "number" && value >= min && value <= max && (whole !== true || Number.isInteger(value));
  if (fits) return;
  const what = `${whole === true ? "a whole number" : "a number"} from ${min} to ${max}${room === true ? ', or "room"' : ""}`;
  throw new RangeError(`quality.${knob} is ${shown(value)}; it must be ${what}.`);
}

const shown = (value: unknown): string => (typeof value === "string" ? `"${value}"` : String(value));

/** The knobs of one space. `apply` is told of every change, and once at the start by its owner. */
export class QualityKnobs implements Quality {
  private options: QualityOptions;
  private readonly apply: (options: QualityOptions) => void;

  constructor(initial: QualityChange, apply: (options: QualityOptions) => void) {
    this.options = changedQuality(DEFAULT_QUALITY, initial);
    this.apply = apply;
  }

  set(change: QualityChange): void {
    this.options = changedQuality(this.options, change);
    this.apply(this.options);
  }

  get all(): QualityOptions {
    return this.options;
  }
  get forward(): QualityOptions["forward"] {
    return this.options.forward;
  }
  get smoothingMs(): number {
    return this.options.smoothingMs;
  }
  get minDelayMs(): number {
    return this.options.minDelayMs;
  }
  get maxDelayMs(): number {
    return this.options.maxDelayMs;
  }
  get uplinkHz(): number | "room" {
    return this.options.uplinkHz;
  }
  get viewKbitPerS(): number | "room" {
    return this.options.viewKbitPerS;
  }
  get fullPeople(): number | "room" {
    return this.options.fullPeople;
  }
  get hands(): boolean {
    return this.options.hands;
  }
  get controls(): boolean {
    return this.options.controls;
  }
  get gaze(): boolean {
    return this.options.gaze;
  }
  get sendHands(): boolean {
    return this.options.sendHands;
  }
  get sendControls(): boolean {
    return this.options.sendControls;
  }
  get sendGaze(): boolean {
    return this.options.sendGaze;
  }
}
