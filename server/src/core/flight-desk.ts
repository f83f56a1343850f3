/**
 * Objects in the air: who threw what, and where it is now. The record goes to everybody once and to late joiners with the session plane;
 * each end plans the same flight from it (shared/motion/flight.ts), so nothing is sent while it lasts.
 *
 * [FD1] Where a flight will end is written durably when it begins: a crash or a leave in mid-air loses nothing, and landing needs no write.
 * [FD2] A flight's end is told when it has landed for as long as a catch may be rewound and its resting place is no longer waiting for a
 *       store in trouble; or at once when the object is caught or deleted.
 * [FD3] At most MAX_FLIGHTS at once; what is thrown beyond that is put where it would have landed.
 */
import { FlightTrack, type Launch } from "@copresence/shared/motion";
import { LIMITS } from "@copresence/shared/protocol";
import type { ObjectTransform } from "@copresence/shared/scene";
import type { EffectSink } from "./effect-sink.ts";
import type { Flight } from "./types.ts";

/** A planned flight keeps about 10 KB; a room of jugglers stays within a few megabytes. */
const MAX_FLIGHTS = 256;

type Flying = { readonly flight: Flight; readonly track: FlightTrack };

export class FlightDesk {
  private readonly out: EffectSink;
  /** Whether the object's resting place still waits to be written. */
  private readonly unwritten: (object: string) => boolean;
  private readonly flying = new Map<string, Flying>();
  private readonly scratch = new Float64Array(7);

  constructor(options: { readonly out: EffectSink; readonly unwritten: (object: string) => boolean }) {
    this.out = options.out;
    this.unwritten = options.unwritten;
  }

  /** Begins a flight, told to everybody. Where it will rest. */
  launch(object: string, slot: number, startMs: number, launch: Launch): ObjectTransform {
    const flight: Flight = { object, slot, startMs, ...launch };
    const track = new FlightTrack(launch);
    if (this.flying.size < MAX_FLIGHTS || this.flying.has(object)) {
      this.flying.set(object, { flight, track });
      this.out.session({ kind: "flight", flight });
    }
    return transformOf(track.rest, launch.scale);
  }

  /** Where a flying object was at a room time, or undefined when it does not fly. */
  at(object: string, timeMs: number): ObjectTransform | undefined {
    const flying = this.flying.get(object);
    return flying && this.onTrack(flying, timeMs);
  }

  /** The whole way of a flying object, to be asked after its end. */
  pathOf(object: string): ((timeMs: number) => ObjectTransform) | undefined {
    const flying = this.flying.get(object);
    return flying && ((timeMs) => this.onTrack(flying, timeMs));
  }

  /** Caught or deleted. */
  end(object: string): void {
    if (this.flying.delete(object)) this.out.session({ kind: "flightGone", object });
  }

  /** Once per tick: what has landed. */
  flush(nowMs: number): void {
    for (const [object, { flight, track }] of this.flying) {
      if (nowMs - flight.startMs >= track.durationMs + LIMITS.rewindMs && !this.unwritten(object)) this.end(object);
    }
  }

  private onTrack({ flight, track }: Flying, timeMs: number): ObjectTransform {
    track.at(timeMs - flight.startMs, this.scratch);
    return transformOf(this.scratch, flight.scale);
  }

  /** Every flight, sorted by object. */
  all(): Flight[] {
    return [...this.flying.values()].map(({ flight }) => flight).sort((a, b) => (a.object < b.object ? -1 : 1));
  }
}

const transformOf = (at: Float64Array, scale: number): ObjectTransform => ({
  position: [at[0] as number, at[1] as number, at[2] as number],
  rotation: [at[3] as number, at[4] as number, at[5] as number, at[6] as number],
  scale,
});
