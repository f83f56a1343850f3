/**
 * How people move, as fitted by fit.ts to recordings of WebVR interaction (grabbing, dancing, play at room scale). Only these numbers
 * come from the recordings; the file is that script's output.
 */

/** Knot distances of the noise, ms; the velocity of noise with period T has its power around 0.37 / T. */
export const PERIODS_MS = [1000, 500, 250, 125, 62.5, 31.25, 15.625] as const;

export type ChannelFit = {
  /** Standard deviation per period: metres, or radians for turns. */
  readonly gains: readonly number[];
  /** Standard deviation of the logarithm of the activity that multiplies them. */
  readonly spread: number;
};

export type PeopleFit = { readonly head: ChannelFit; readonly hand: ChannelFit; readonly headTurn: ChannelFit; readonly handTurn: ChannelFit };

export const FITTED: PeopleFit = {
  head: { gains: [0.0598, 0.00321, 0.00668, 0.00321, 0.00001, 0.00001, 0.000294], spread: 1.11 },
  hand: { gains: [0.0105, 0.0205, 0.0237, 0.00647, 0.000205, 0.00001, 0.00054], spread: 1.29 },
  headTurn: { gains: [0.141, 0.0206, 0.0171, 0.00522, 0.00211, 0.000784, 0.000705], spread: 1.24 },
  handTurn: { gains: [0.061, 0.0224, 0.0634, 0.0234, 0.00737, 0.000659, 0.00126], spread: 1.35 },
};
