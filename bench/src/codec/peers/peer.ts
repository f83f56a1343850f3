/**
 * How others put the same poses on the wire, on the same recordings in the same run.
 *
 * Our blocks carry the time of each sample, which playout needs; so do the peers here that have no time of their own, as cheaply as
 * their way of doing things allows (SUB_TICK_BITS, or a field). Headers of the transport count for nobody.
 */
import type { Recording } from "../recordings.ts";

export type PeerResult = {
  /** Mean bytes of an update. */
  readonly bytes: number;
  /** What a receiver has, as `recording.poses`; absent where the wire carries floats. */
  readonly poses?: Float64Array;
};

export type Peer = {
  /** Part of the figures' ids. */
  readonly id: string;
  readonly name: string;
  /** How many times our bytes it must cost at least; undefined where it is only reported. */
  readonly bar: number | undefined;
  /** `all`: the recordings of the run, for peers that are tuned; `recording` is one of them. */
  readonly prepare: (all: readonly Recording[]) => (recording: Recording) => PeerResult;
};

/** A sample's place within its tick, in sixteenths of it. */
export const SUB_TICK_BITS = 4;

export const toBytes = (bits: number): number => Math.ceil(bits / 8);
