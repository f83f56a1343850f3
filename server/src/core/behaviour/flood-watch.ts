/**
 * Floods: what one person does to the scene and the chat, counted by the second against hard limits. No model.
 *
 * [FW1] Counts are of different objects: somebody who types into one label, or drags one slider, changes one object a second however fast.
 * [FW2] A flood is SECONDS_OVER of the last WINDOW_S seconds over a limit; it is told once per QUIET_S.
 */
import type { AlarmNotice } from "./behaviour-watch.ts";

export const FLOODS = ["objectSpam", "vandalism", "chatFlood"] as const;
export type FloodKind = (typeof FLOODS)[number];

/** A second: objects made or changed; objects removed; lines said. People at work stay below, tools that import a scene are not people. */
const PER_SECOND: readonly [number, number, number] = [6, 3, 1.5];
const WINDOW_S = 5;
const SECONDS_OVER = 3;
const QUIET_S = 60;
/** Different objects of one second that are told apart. */
const RECENT = 16;

export class FloodWatch {
  private readonly alarm: (notice: AlarmNotice) => void;
  /** Three counts per slot, of this second. */
  private readonly counts: Float32Array;
  /** One bit per second over, newest lowest. */
  private readonly history: Uint8Array;
  private readonly toldAt: Int32Array;
  private readonly recent: (string | undefined)[];
  private readonly recentAt: Uint8Array;

  constructor(capacity: number, alarm: (notice: AlarmNotice) => void) {
    this.alarm = alarm;
    this.counts = new Float32Array(capacity * FLOODS.length);
    this.history = new Uint8Array(capacity * FLOODS.length);
    this.toldAt = new Int32Array(capacity * FLOODS.length).fill(-QUIET_S);
    this.recent = Array.from({ length: capacity * RECENT }, () => undefined);
    this.recentAt = new Uint8Array(capacity);
  }

  changed(slot: number, object: string): void {
    for (let i = 0; i < RECENT; i++) if (this.recent[slot * RECENT + i] === object) return;
    const at = this.recentAt[slot] as number;
    this.recent[slot * RECENT + at] = object;
    this.recentAt[slot] = (at + 1) % RECENT;
    this.add(slot, 0);
  }
  removed(slot: number): void {
    this.add(slot, 1);
  }
  said(slot: number): void {
    this.add(slot, 2);
  }

  /** A second is over. */
  second(slots: ArrayLike<number>, count: number, nowS: number): void {
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number;
      for (let kind = 0; kind < FLOODS.length; kind++) this.judge(slot, kind, nowS);
      this.recent.fill(undefined, slot * RECENT, (slot + 1) * RECENT);
    }
  }

  forget(slot: number): void {
    const [from, to] = [slot * FLOODS.length, (slot + 1) * FLOODS.length];
    this.counts.fill(0, from, to);
    this.history.fill(0, from, to);
    this.toldAt.fill(-QUIET_S, from, to);
    this.recent.fill(undefined, slot * RECENT, (slot + 1) * RECENT);
  }

  private add(slot: number, kind: number): void {
    const at = slot * FLOODS.length + kind;
    this.counts[at] = (this.counts[at] as number) + 1;
  }

  private judge(slot: number, kind: number, nowS: number): void {
    const at = slot * FLOODS.length + kind;
    const limit = PER_SECOND[kind] as number;
    const count = this.counts[at] as number;
    this.counts[at] = 0;
    const history = (((this.history[at] as number) << 1) | (count > limit ? 1 : 0)) & ((1 << WINDOW_S) - 1);
    this.history[at] = history;
    let over = 0;
    for (let bit = 0; bit < WINDOW_S; bit++) over += (history >> bit) & 1;
    if (over < SECONDS_OVER || nowS - (this.toldAt[at] as number) < QUIET_S) return;
    this.toldAt[at] = nowS;
    const numbers = kind === 0 ? { changed: count } : kind === 1 ? { removed: count } : { lines: count };
    this.alarm({ kind: FLOODS[kind] as FloodKind, slot, victim: -1, score: count / limit, numbers });
  }
}
