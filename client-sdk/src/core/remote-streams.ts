/**
 * Joints, buttons and gestures, and gaze of one remote person, shown in step with the body (shared/src/time).
 *
 * [RS1] A person who sends none of them costs nothing here.
 */
import {
  ANALOG_MAX,
  CONTROL_VALUES,
  type Controls,
  decodeGaze,
  type GazeCode,
  HAND_FLOATS,
  HANDS,
  type HandsState,
  newControls,
  newGazeCode,
} from "@copresence/shared/pose";
import { HandsPlayout, type Playout, StatePlayout } from "@copresence/shared/time";
import { rotateBy } from "./rigid.ts";
import type { HandControls, HandJoints } from "./stream-types.ts";

export class RemoteStreams {
  readonly hands: [HandJoints | undefined, HandJoints | undefined] = [undefined, undefined];
  readonly controls: [HandControls | undefined, HandControls | undefined] = [undefined, undefined];
  gaze: Float64Array | undefined;
  private joints: HandsPlayout | undefined;
  private readonly drawn = [new Float64Array(HAND_FLOATS), new Float64Array(HAND_FLOATS)] as const;
  private states: StatePlayout<Controls> | undefined;
  private shownControls: Controls = newControls();
  private gazes: StatePlayout<GazeCode> | undefined;
  private readonly direction = new Float64Array(3);

  onHands(timeMs: number, state: HandsState): void {
    (this.joints ??= new HandsPlayout()).push(timeMs, state);
  }
  onControls(timeMs: number, controls: Controls): void {
    (this.states ??= new StatePlayout<Controls>(newControls, (from, to) => to.set(from))).push(timeMs, controls);
  }
  onGaze(timeMs: number, gaze: GazeCode): void {
    (this.gazes ??= new StatePlayout<GazeCode>(newGazeCode, (from, to) => Object.assign(to, from))).push(timeMs, gaze);
  }

  reset(): void {
    this.joints?.reset();
    this.states?.reset();
    this.gazes?.reset();
    this.hide();
  }

  /** Nothing is shown; what is known stays. */
  hide(): void {
    this.hands.fill(undefined);
    this.controls.fill(undefined);
    this.gaze = undefined;
  }

  /** Shows everything at room time `roomMs`, on a body that `playout` has just placed in `pose`. */
  frame(roomMs: number, playout: Playout, pose: Float64Array): void {
    if (this.joints !== undefined) this.showHands(this.joints, roomMs, playout, pose);
    if (this.states !== undefined) this.showControls(this.states.at(Math.max(playout.shownMs(1), playout.shownMs(2))));
    if (this.gazes !== undefined) this.showGaze(this.gazes.at(playout.shownMs(0)), pose);
  }

  /** Fingers as late as the body before it is guessed ahead, and later by as much as they come less often. */
  private showHands(joints: HandsPlayout, roomMs: number, playout: Playout, pose: Float64Array): void {
    const timeMs = roomMs - playout.delayMs - Math.max(0, joints.spacingMs - playout.sampleSpacingMs);
    for (let hand = 0; hand < HANDS; hand++) {
      const drawn = this.drawn[hand] as HandJoints;
      this.hands[hand] = joints.sample(timeMs, hand, pose, (hand + 1) * 7, drawn) ? drawn : undefined;
    }
  }

  private showControls(controls: Controls | undefined): void {
    if (controls === undefined) {
      this.controls.fill(undefined);
      return;
    }
    for (let hand = 0; hand < HANDS; hand++) {
      const base = hand * CONTROL_VALUES;
      if (controls[base] !== 1) this.controls[hand] = undefined;
      else if (this.controls[hand] === undefined || this.changed(controls, base)) this.controls[hand] = controlsOf(controls, base);
    }
    this.shownControls.set(controls);
  }

  private changed(controls: Controls, base: number): boolean {
    for (let i = base; i < base + CONTROL_VALUES; i++) if (controls[i] !== this.shownControls[i]) return true;
    return false;
  }

  private showGaze(gaze: GazeCode | undefined, pose: Float64Array): void {
    this.gaze = undefined;
    if (gaze?.present !== 1) return;
    decodeGaze(gaze, this.direction);
    rotateBy(pose, 3, this.direction);
    this.gaze = this.direction;
  }
}

function controlsOf(controls: Controls, base: number): HandControls {
  const [, gesture = 0, trigger = 0, squeeze = 0, pinch = 0, buttons = 0] = controls.subarray(base, base + CONTROL_VALUES);
  return { gesture, trigger: trigger / ANALOG_MAX, squeeze: squeeze / ANALOG_MAX, pinch: pinch / ANALOG_MAX, buttons };
}
