/**
 * Objects in the air, as shown here: the room's records, with my own throws before the room has spoken.
 *
 * [CF1] My throw flies in the frame of the release, from the same integers the room gets, so its record changes nothing when it comes.
 * [CF2] Others' throws leave the hand, as shown here, not before it let go, and begin on their way where they are nearest to it: people are
 *       shown a little behind room time and, between samples, by forecast. Then the flight runs at most LEAD_MOST faster, until it is at room time.
 * [CF3] A flight is shown to its end even when the room has forgotten it; only a hold or a refusal takes it out of the air.
 */
import { FlightTrack, type Launch, sameLaunch } from "@copresence/shared/motion";
import type { FlightInfo } from "./session-events.ts";

/** How much faster or slower than time a flight may run, as a part of it and in m/s on top of its own speed. */
const LEAD_MOST = 0.1;
const LEAD_M_S = 0.3;
/** Farther off than this there is nothing to catch up with: somebody joined late, or a tab slept. */
const JUMP_MS = 1000;
/** A throw of mine that the room never confirmed is forgotten this long after it landed. */
const UNCONFIRMED_MS = 2000;

export type FlightPorts = {
  /** Room time now, or undefined while it is not known. */
  readonly roomNow: () => number | undefined;
  /** Room time at which a device of somebody is shown now, or undefined when they are not. */
  readonly shownMs: (slot: number, device: number) => number | undefined;
};

/** `hand`: still drawn in the hand that threw it; `air`: `out` was filled; undefined: it does not fly. */
export type FlightState = "hand" | "air" | undefined;

type View = {
  info: FlightInfo;
  track: FlightTrack;
  /** Names the path; a new one is blended into. */
  key: string;
  confirmed: boolean;
  ended: boolean;
  /** The room whose time this flight had is gone: it goes on by the local clock. */
  unclocked: boolean;
  /** The device that threw it, while it is shown there [CF2]. */
  handDevice: number | undefined;
  /** Time since the release that is shown; NaN until room time is known. */
  shownMs: number;
  lastMs: number;
};

export class Flights {
  private readonly ports: FlightPorts;
  private readonly views = new Map<string, View>();
  private count = 0;

  constructor(ports: FlightPorts) {
    this.ports = ports;
  }

  has(object: string): boolean {
    return this.views.has(object);
  }
  key(object: string): string {
    return this.views.get(object)?.key ?? "";
  }

  /** My own release [CF1]. */
  begin(object: string, slot: number, startMs: number, launch: Launch, nowMs: number): void {
    this.views.set(object, { ...this.view({ object, slot, startMs, ...launch }, nowMs), confirmed: false, shownMs: 0 });
  }

  /** The room's record. `handDevice`: the thrower is drawn holding it with this device. */
  onFlight(info: FlightInfo, handDevice: number | undefined, nowMs: number): void {
    const mine = this.views.get(info.object);
    if (mine !== undefined && !mine.confirmed && mine.info.slot === info.slot) {
      const { key, track } = sameLaunch(mine.info, info) ? mine : this.view(info, nowMs);
      Object.assign(mine, { info, key, track, confirmed: true });
      return;
    }
    this.views.set(info.object, { ...this.view(info, nowMs), handDevice });
  }

  onGone(object: string): void {
    const view = this.views.get(object);
    if (view !== undefined) view.ended = true;
  }

  drop(object: string): void {
    this.views.delete(object);
  }

  /** The room will not let this throw of mine fly. */
  dropUnconfirmed(object: string): void {
    if (this.views.get(object)?.confirmed === false) this.drop(object);
  }

  /** The room is gone; what flies lands [CF3]. */
  linkDown(): void {
    for (const view of this.views.values()) view.confirmed = view.ended = view.unclocked = true;
  }

  /** Moves a flight on to `nowMs` and writes where it is to be shown into `out` (8 floats). `shown`: where the object is shown so far. */
  frame(object: string, nowMs: number, shown: Float64Array | undefined, out: Float64Array): FlightState {
    const view = this.views.get(object);
    if (view === undefined) return undefined;
    this.advance(view, nowMs, shown);
    if (view.handDevice !== undefined) return "hand";
    const over = view.ended || (!view.confirmed && view.shownMs > view.track.durationMs + UNCONFIRMED_MS);
    if (over && !(view.shownMs < view.track.durationMs)) {
      this.views.delete(object);
      return undefined;
    }
    view.track.at(Number.isNaN(view.shownMs) ? 0 : view.shownMs, out);
    out[7] = view.track.scale;
    return "air";
  }

  private view(info: FlightInfo, nowMs: number): View {
    return {
      info,
      track: new FlightTrack(info),
      key: `flight ${++this.count}`,
      confirmed: true,
      ended: false,
      unclocked: false,
      handDevice: undefined,
      shownMs: Number.NaN,
      lastMs: nowMs,
    };
  }

  /** [CF2] */
  private advance(view: View, nowMs: number, shown: Float64Array | undefined): void {
    const roomMs = view.unclocked ? undefined : this.ports.roomNow();
    const { slot, startMs } = view.info;
    const elapsedMs = nowMs - view.lastMs;
    view.lastMs = nowMs;
    const dueMs = roomMs === undefined ? undefined : Math.max(0, roomMs - startMs);
    if (view.handDevice !== undefined) {
      const handMs = this.ports.shownMs(slot, view.handDevice);
      if (handMs !== undefined && handMs < startMs && (dueMs ?? 0) < JUMP_MS) return;
      view.handDevice = undefined;
      view.shownMs = handMs === undefined || shown === undefined ? (dueMs ?? 0) : view.track.nearestMs(shown, Math.max(0, handMs - startMs));
      return;
    }
    if (dueMs === undefined) view.shownMs = view.unclocked && Number.isNaN(view.shownMs) ? view.track.durationMs : view.shownMs + elapsedMs;
    else if (Number.isNaN(view.shownMs) || Math.abs(dueMs - view.shownMs) > JUMP_MS) view.shownMs = dueMs;
    else {
      const next = view.shownMs + elapsedMs;
      const most = elapsedMs * Math.min(LEAD_MOST, LEAD_M_S / Math.max(LEAD_M_S, view.track.speedAt(view.shownMs)));
      view.shownMs = next + Math.max(-most, Math.min(most, dueMs - next));
    }
  }
}
