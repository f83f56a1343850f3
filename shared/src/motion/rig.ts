/**
 * The rig: the origin of a person's play space in the room, which the server owns. Integer state, so both ends agree to the bit.
 */
export type Rig = {
  /** Origin of the play space in the room's frame, mm. */
  xMm: number;
  yMm: number;
  zMm: number;
  /** Heading about +Y in 1/65536 turn, 0 looks along -Z, counter-clockwise seen from above. */
  yaw: number;
};
export type RigInput = {
  /** 16-bit sequence number, wraps. */
  readonly seq: number;
  /** Time this input covers, 0..50 ms. */
  readonly dtMs: number;
  /** Thumb stick, -127..127: +x right, +z backwards (WebXR stick axes). */
  readonly moveX: number;
  readonly moveZ: number;
  /** Where "forward" points in the room's frame (head or hand heading), 1/65536 turn. */
  readonly heading: number;
  /** Snap turns to apply, in steps of TURN_STEP; positive is counter-clockwise (to the left). */
  readonly turn: number;
  readonly teleport: { readonly positionMm: readonly number[]; readonly yaw: number } | null;
};
export const ZERO_RIG: Readonly<Rig> = { xMm: 0, yMm: 0, zMm: 0, yaw: 0 };
