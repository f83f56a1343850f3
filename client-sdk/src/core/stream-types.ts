/** What the optional streams look like to an application. */

/** What one hand does. Analogue values are 0..1 (sixteenths on the wire). */
export type HandControls = {
  /** One of `Gesture`; 8 to 15 are the application's own. */
  readonly gesture: number;
  readonly trigger: number;
  readonly squeeze: number;
  /** How far thumb and index finger are closed, for bare hands. */
  readonly pinch: number;
  /** Bits of `Button`. */
  readonly buttons: number;
};

/** Float64Array[175]: 25 joints in WebXR's order, wrist first, each x y z (m) qx qy qz qw. */
export type HandJoints = Float64Array;
