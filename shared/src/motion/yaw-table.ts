/**
 * Sine and cosine of a heading, the same to the bit in every engine.
 *
 * [YT1] Built from + - x / and floor only: IEEE 754 fixes those, while ECMAScript leaves Math.sin to the implementation.
 * [YT2] Values are integers in 1/2^30, error below 1e-9; sine is odd, cosine even, and quarter turns are exact.
 *
 * The table covers a quarter turn in steps of 1/131072 turn, twice as fine as a yaw, because a quaternion needs half of it.
 */
export const YAW_TURN = 65_536;
/** What `sinYaw` and `cosYaw` return for 1. */
export const YAW_ONE = 1 << 30;

const QUARTER = 32_768;
const FULL_MASK = QUARTER * 4 - 1;
const TABLE = buildQuarterWave();

/** Integer sine of `yaw` (1/65536 turn, any integer), in 1/2^30. */
export function sinYaw(yaw: number): number {
  return sinFine(yaw << 1);
}

/** Integer cosine of `yaw` (1/65536 turn, any integer), in 1/2^30. */
export function cosYaw(yaw: number): number {
  return sinFine((yaw << 1) + QUARTER);
}

/** Integer sine of half of `yaw`, in 1/2^30. */
export function sinHalfYaw(yaw: number): number {
  return sinFine(yaw);
}

/** Integer cosine of half of `yaw`, in 1/2^30. */
export function cosHalfYaw(yaw: number): number {
  return sinFine(yaw + QUARTER);
}

/** `fine` in 1/131072 turn. */
function sinFine(fine: number): number {
  const at = fine & FULL_MASK;
  const inQuarter = at & (QUARTER - 1);
  switch (at >>> 15) {
    case 0:
      return TABLE[inQuarter] as number;
    case 1:
      return TABLE[QUARTER - inQuarter] as number;
    case 2:
      return -(TABLE[inQuarter] as number);
    default:
      return -(TABLE[QUARTER - inQuarter] as number);
  }
}

function buildQuarterWave(): Int32Array {
  const table = new Int32Array(QUARTER + 1);
  const halfPi = 1.5707963267948966;
  for (let i = 0; i <= QUARTER; i++) {
    const angle = (i / QUARTER) * halfPi;
    const square = angle * angle;
    // Taylor series: at a quarter turn the eleventh term is below 1e-17.
    let term = angle;
    let sum = angle;
    for (let k = 1; k <= 11; k++) {
      term = (-term * square) / (2 * k * (2 * k + 1));
      sum += term;
    }
    table[i] = Math.floor(sum * YAW_ONE + 0.5);
  }
  return table;
}
