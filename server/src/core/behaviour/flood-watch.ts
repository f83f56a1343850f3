/**
 * Who floods the scene or the chat: hard limits over some seconds. No model.
 *
 * [FW1] Counts are of different objects: somebody who types into one label, or drags one slider, changes one object a second however fast.
 * [FW2] A flood is more than a limit within WINDOW_S seconds, in SECONDS_BUSY of them at least: a burst is none, and no steady rate below the limit
 *       is one because two of it fell into one second. It is told once per QUIET_S.
 * [FW3] Costs nothing for people who change nothing: only those who did something within QUIET_S are kept.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { AlarmNotice } from "./behaviour-watch.ts";

export const FLOODS = ["objectSpam", "vandalism", "chatFlood"] as const;
export type FloodKind = (typeof FLOODS)[number];

const WINDOW_S = 5;
/**
 * In WINDOW_S: objects made or changed; objects removed; lines said, those that were refused too. People at work stay below, tools that import
 * a scene are not people; who chats as fast as the room allows is not muted for it.
 */
const MOST = { objectSpam: 30, vandalism: 15, chatFlood: LIMITS.chatPerSecond * WINDOW_S } as const;
const SECONDS_BUSY = 3;
const QUIET_S = 60;
/** Different objects of one second that are told apart. */
const RECENT = 16;

type Tally = {
  /** Of this second. */
  count: number;
  /** Of the last WINDOW_S seconds, in a ring. */
  readonly seconds: Uint16Array;
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
    const tally = (): Tally => ({ count: 0, seconds: new Uint16Array(WINDOW_S), toldAt: -QUIET_S });
    const tallies = { objectSpam: tally(), vandalism: tally(), chatFlood: tally() };
    const doings: Doings = { tallies, recent: [], recentAt: 0, lastS: this.nowS };
    this.people.set(slot, doings);
    return doings;
  }

  private judge(slot: number, kind: FloodKind, tally: Tally): void {
    const { seconds } = tally;
    seconds[this.nowS % WINDOW_S] = tally.count;
    tally.count = 0;
    const count = seconds.reduce((sum, one) => sum + one, 0);
    if (count <= MOST[kind] || this.nowS - tally.toldAt < QUIET_S) return;
    if (seconds.reduce((busy, one) => busy + (one > 0 ? 1 : 0), 0) < SECONDS_BUSY) return;
    tally.toldAt = this.nowS;
    const numbers = kind === "objectSpam" ? { changed: count } : kind === "vandalism" ? { removed: count } : { lines: count };
    this.alarm({ kind, slot, victim: -1, score: count / MOST[kind], numbers });
  }
}
