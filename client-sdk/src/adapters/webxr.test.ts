import { describe, expect, it } from "vitest";
import { Button, DeviceState, Gesture } from "@copresence/shared/pose";
import type { Space } from "../core/space-types.ts";
import { followXrVisibility, XrBody, type XrFrameLike } from "./webxr.ts";

const poseAt = (x: number, emulatedPosition = false) => ({
  transform: { position: { x, y: 1, z: 2, w: 1 }, orientation: { x: 0, y: 0, z: 0, w: 1 } },
  emulatedPosition,
});
const reference = {};

function frame(options: { readonly viewer?: boolean; readonly poses?: Readonly<Record<string, ReturnType<typeof poseAt>>> }): XrFrameLike {
  const wrist = { joint: "wrist" };
  return {
    predictedDisplayTime: 1234,
    session: {
      inputSources: [
        { handedness: "left", gripSpace: { space: "left" } },
        { handedness: "right", hand: { get: () => wrist } },
        { handedness: "none", gripSpace: { space: "gaze" } },
      ],
    },
    getViewerPose: () => (options.viewer === false ? null : poseAt(0)),
    getPose: (space: { readonly space: string }) => options.poses?.[space.space] ?? null,
    getJointPose: (joint: unknown) => (joint === wrist ? (options.poses?.["wrist"] ?? null) : null),
  };
}

describe("WebXR body", () => {
  it("reads head, grips and bare hands, with what kind of tracking each has", () => {
    const body = new XrBody();
    expect(body.read(frame({ poses: { left: poseAt(-1, true), wrist: poseAt(3) } }), reference)).toBe(true);
    expect([body.pose[0], body.pose[7], body.pose[14], body.timeMs]).toEqual([0, -1, 3, 1234]);
    expect([...body.states]).toEqual([DeviceState.tracked, DeviceState.inferred, DeviceState.tracked]);
  });

  it("[WX1] keeps the last pose of a lost hand, and has nothing to say without a head", () => {
    const body = new XrBody();
    body.read(frame({ poses: { left: poseAt(-1) } }), reference);
    body.read(frame({}), reference);
    expect([body.pose[7], body.states[1]]).toEqual([-1, DeviceState.lost]);
    expect(body.read(frame({ viewer: false }), reference)).toBe(false);
  });

  it("[WX3] reads all joints of a bare hand or none, takes its wrist for the hand, and says both to the space", () => {
    const said: unknown[][] = [];
    const space = {
      me: {
        setHands: (...hands: unknown[]) => said.push(["hands", ...hands]),
        setControls: (...controls: unknown[]) => said.push(["controls", ...controls]),
        setPose: () => said.push(["pose"]),
      },
    } as unknown as Space;
    const jointed = frame({ poses: { left: poseAt(-1), wrist: poseAt(3) } });
    const body = new XrBody();
    expect(body.apply(jointed, reference, space)).toBe(true);
    expect(body.hands[0]).toBeUndefined();
    expect(body.hands[1]?.length).toBe(175);
    expect([body.pose[14], body.hands[1]?.[0], body.hands[1]?.[24 * 7]]).toEqual([3, 3, 3]);
    expect(said.map(([what]) => what)).toEqual(["hands", "controls", "pose"]);
    said.length = 0;
    // One joint is out of sight.
    let asked = 0;
    const halfSeen = { ...jointed, getJointPose: () => (++asked % 25 === 7 ? null : poseAt(4)) };
    body.apply(halfSeen, reference, space);
    expect(body.hands[1]).toBeUndefined();
    expect(said[0]).toEqual(["hands", undefined, undefined, 1234]);
  });

  it("reads what a controller presses and feels", () => {
    const button = (value: number, touched = value > 0) => ({ pressed: value > 0.5, touched, value });
    const gamepad = { buttons: [button(0), button(1), button(0), button(0), button(1)] };
    const body = new XrBody();
    const held = frame({ poses: { left: poseAt(0) } });
    body.read({ ...held, session: { inputSources: [{ handedness: "left", gripSpace: { space: "left" }, gamepad }] } }, reference);
    expect(body.controls).toEqual([{ gesture: Gesture.point, trigger: 0, squeeze: 1, pinch: 0, buttons: Button.squeeze | Button.a }, undefined]);
    gamepad.buttons[0] = button(0.4);
    body.read({ ...held, session: { inputSources: [{ handedness: "left", gripSpace: { space: "left" }, gamepad }] } }, reference);
    expect(body.controls[0]).toMatchObject({ gesture: Gesture.fist, trigger: 0.4, buttons: Button.squeeze | Button.a | Button.triggerTouch });
  });

  it("sleeps while the session is hidden and wakes when it is seen or over", () => {
    const said: string[] = [];
    const listeners = new Map<string, () => void>();
    const session = {
      visibilityState: "visible",
      addEventListener: (type: string, listener: () => void) => void listeners.set(type, listener),
      removeEventListener: (type: string) => void listeners.delete(type),
    };
    followXrVisibility(session, { me: { sleep: () => said.push("sleep"), wake: () => said.push("wake") } } as unknown as Space);
    session.visibilityState = "hidden";
    listeners.get("visibilitychange")?.();
    listeners.get("end")?.();
    expect([said, listeners.size]).toEqual([["wake", "sleep", "wake"], 0]);
  });
});
