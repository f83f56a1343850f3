/**
 * Joints of one remote person's hands between updates: kept in the wrist's frame, interpolated at the playout time of the body, and hung on
 * the wrist as it is shown. Fingers are never guessed ahead: they reverse within a frame or two, and a bent finger shown late is still a hand.
 *
 * [HP1] `sample` writes finite joints with unit quaternions, or says that there is no such hand now.
 * [HP2] A hand without news for GONE_MS of playout time is gone.
 * [HP3] Nothing is allocated after construction.
 */
import { HAND_FLOATS, HandPoser, HANDS, type HandsState, JOINT_FLOATS, JOINTS, multiplyQuat, newHandsPose } from "../pose/index.ts";

const KEPT = 8;
export const GONE_MS = 400;
const SPACING_GAIN = 1 / 8;
const SPACING_MAX_MS = 150;

type Entry = { timeMs: number; readonly present: Uint8Array; readonly joints: Float64Array };

export class HandsPlayout {
  /** Usual time between updates, ms; 0 before the second. */
  spacingMs = 0;
  private readonly entries: Entry[] = Array.from({ length: KEPT }, () => ({
    timeMs: Number.NEGATIVE_INFINITY,
    present: new Uint8Array(HANDS),
    joints: newHandsPose(),
  }));
  private readonly poser = new HandPoser();
  private readonly turned = new Float64Array(4);

  reset(): void {
    for (const entry of this.entries) entry.timeMs = Number.NEGATIVE_INFINITY;
    this.spacingMs = 0;
  }

  get newestMs(): number {
    return (this.entries[KEPT - 1] as Entry).timeMs;
  }

  /** Joints measured at room time `timeMs`; those not newer than the newest are ignored. `state` is copied. */
  push(timeMs: number, state: HandsState): void {
    const gap = timeMs - this.newestMs;
    if (!(gap > 0)) return;
    if (gap <= SPACING_MAX_MS) this.spacingMs += (gap - this.spacingMs) * (this.spacingMs === 0 ? 1 : SPACING_GAIN);
    const entry = this.entries.shift() as Entry;
    this.entries.push(entry);
    entry.timeMs = timeMs;
    for (let hand = 0; hand < HANDS; hand++) {
      entry.present[hand] = state.present[hand] as number;
      // The wrist's own frame: at its origin, not turned.
      const at = hand * HAND_FLOATS;
      entry.joints.fill(0, at, at + JOINT_FLOATS);
      entry.joints[at + 6] = 1;
      if (state.present[hand] === 1) this.poser.write(state, hand, entry.joints, at);
    }
  }

  /**
   * Joints of `hand` at room time `timeMs` into `out` (175 floats), on the wrist at `wrist[at..]` (x y z qx qy qz qw). False, and nothing
   * written, when there is no such hand then.
   */
  sample(timeMs: number, hand: number, wrist: Float64Array, at: number, out: Float64Array): boolean {
    let after = KEPT;
    while (after > 0 && (this.entries[after - 1] as Entry).timeMs > timeMs) after--;
    const b = this.entries[after];
    const a = after > 0 && (this.entries[after - 1] as Entry).timeMs > Number.NEGATIVE_INFINITY ? this.entries[after - 1] : b;
    if (a === undefined || a.present[hand] !== 1 || timeMs - a.timeMs > GONE_MS) return false;
    const follows = b !== undefined && b !== a && b.present[hand] === 1 && b.timeMs - a.timeMs <= GONE_MS;
    const part = follows ? (timeMs - a.timeMs) / (b.timeMs - a.timeMs) : 0;
    for (let c = 0; c < JOINT_FLOATS; c++) out[c] = wrist[at + c] as number;
    for (let joint = 1; joint < JOINTS; joint++) this.place(a.joints, follows ? b.joints : a.joints, part, hand * HAND_FLOATS, joint, out);
    return true;
  }

  /** One joint, between two updates, from the wrist's frame to the room's; the wrist is out[0..6]. */
  private place(a: Float64Array, b: Float64Array, part: number, base: number, joint: number, out: Float64Array): void {
    const from = base + joint * JOINT_FLOATS;
    const to = joint * JOINT_FLOATS;
    for (let c = 0; c < 3; c++) out[to + c] = mix(a, b, from + c, part, 1);
    let dot = 0;
    for (let c = 3; c < 7; c++) dot += (a[from + c] as number) * (b[from + c] as number);
    const sign = dot < 0 ? -1 : 1;
    let square = 0;
    for (let c = 3; c < 7; c++) {
      out[to + c] = mix(a, b, from + c, part, sign);
      square += (out[to + c] as number) ** 2;
    }
    const scale = 1 / Math.sqrt(square);
    for (let c = 3; c < 7; c++) out[to + c] = (out[to + c] as number) * scale;
    multiplyQuat(out, 3, out, to + 3, this.turned, 0);
    for (let c = 0; c < 4; c++) out[to + 3 + c] = this.turned[c] as number;
    hang(out, to);
  }
}

function mix(a: Float64Array, b: Float64Array, at: number, part: number, sign: number): number {
  return (a[at] as number) * (1 - part) + (b[at] as number) * part * sign;
}

/** out[to..to+2], an offset in the wrist's frame, becomes a place in the frame of the wrist at out[0..6]. */
function hang(out: Float64Array, to: number): void {
  const x = out[to] as number;
  const y = out[to + 1] as number;
  const z = out[to + 2] as number;
  const qx = out[3] as number;
  const qy = out[4] as number;
  const qz = out[5] as number;
  const qw = out[6] as number;
  const tx = 2 * (qy * z - qz * y);
  const ty = 2 * (qz * x - qx * z);
  const tz = 2 * (qx * y - qy * x);
  out[to] = (out[0] as number) + x + qw * tx + qy * tz - qz * ty;
  out[to + 1] = (out[1] as number) + y + qw * ty + qz * tx - qx * tz;
  out[to + 2] = (out[2] as number) + z + qw * tz + qx * ty - qy * tx;
}
