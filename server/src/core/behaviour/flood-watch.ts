/**
 * Who floods the scene or the chat: hard limits per second that hold for some seconds. No model.
 *
 * [FW1] Counts are of different objects: somebody who types into one label, or drags one slider, changes one object a second however fast.
 * [FW2] A flood is SECONDS_OVER of the last WINDOW_S seconds over a limit; it is told once per QUIET_S.
 * [FW3] Costs nothing for people who change nothing: only those who did something within QUIET_S are kept.
 */
import type { AlarmNotice } from "./behaviour-watch.ts";

export const FLOODS = ["objectSpam", "vandalism", "chatFlood"] as const;
export type FloodKind = (typeof FLOODS)[number];

/** A second: objects made or changed; objects removed; lines said. People at work stay below, tools that import a scene are not people. */
const PER_SECOND = { objectSpam: 6, vandalism: 3, chatFlood: 1.5 } as const;
const WINDOW_S = 5;
const SECONDS_OVER = 3;
const QUIET_S = 60;
/** Different objects of one second that are told apart. */
const RECENT = 16;

type Tally = {
  /** Of this second. */
  count: number;
  /** One bit per second over, newest lowest. */
  history: number;
  toldAt: number;
};
type Doings = { readonly tallies: Readonly<Record<FloodKind, Tally>>; readonly recent: string[]; recentAt: number; lastS: number };

export class FloodWatch {
  private readonly alarm: (notice: AlarmNotice) => void;
  private readonly people = new Map<number, Doings>();
  private nowS = 0;

  constructor(alarm: (notice: AlarmNotice) => void) {
    this.alarm = alarm;
  }

  changed(slot: number, object: string): void {
    const doings = this.of(slot);
    if (doings.recent.includes(object)) return;
    doings.recent[doings.recentAt] = object;
    doings.recentAt = (doings.recentAt + 1) % RECENT;
    doings.tallies.objectSpam.count++;
  }
  removed(slot: number): void {
    this.of(slot).tallies.vandalism.count++;
  }
  said(slot: number): void {
    this.of(slot).tallies.chatFlood.count++;
  }

  /** A second is over. */
  second(): void {
    this.nowS++;
    for (const [slot, doings] of this.people) {
      for (const kind of FLOODS) this.judge(slot, kind, doings.tallies[kind]);
      doings.recent.length = 0;
      doings.recentAt = 0;
      if (this.nowS - doings.lastS > QUIET_S) this.people.delete(slot);
    }
  }

  /** The slot is somebody else's from now on. */
  forget(slot: number): void {
    this.people.delete(slot);
  }

  private of(slot: number): Doings {
    const known = this.people.get(slot);
    if (known !== undefined) known.lastS = this.nowS;
    return known ?? this.add(slot);
  }

  private add(slot: number): Doings {
    const tally = (): Tally => ({ count: 0, history: 0, toldAt: -QUIET_S });
    const tallies = { objectSpam: tally(), vandalism: tally(), chatFlood: tally() };
    const doings: Doings = { tallies, recent: [], recentAt: 0, lastS: this.nowS };
    this.people.set(slot, doings);
    return doings;
  }

  private judge(slot: number, kind: FloodKind, tally: Tally): void {
    const { count } = tally;
    const limit = PER_SECOND[kind];
    tally.count = 0;
    tally.history = ((tally.history << 1) | (count > limit ? 1 : 0)) & ((1 << WINDOW_S) - 1);
    let over = 0;
    for (let bit = 0; bit < WINDOW_S; bit++) over += (tally.history >> bit) & 1;
    if (over < SECONDS_OVER || this.nowS - tally.toldAt < QUIET_S) return;
    tally.toldAt = this.nowS;
    const numbers = kind === "objectSpam" ? { changed: count } : kind === "vandalism" ? { removed: count } : { lines: count };
    this.alarm({ kind, slot, victim: -1, score: count / limit, numbers });
  }
}
