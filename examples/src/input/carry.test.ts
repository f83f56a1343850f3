/** Carrying, against a space that grants or refuses by hand and holds one object. */
import type { GrabResult, Grip, Hand, Space } from "@copresence/client";
import { Quaternion, Vector3 } from "three";
import { describe, expect, it } from "vitest";
import { Carry } from "./carry.ts";
import { readDevice, writeDevice } from "./geometry.ts";

type Grab = { readonly hand: Hand; readonly grip: Grip | undefined; readonly scale: number | undefined };

function fixture(answer: GrabResult = { granted: true, leaseMs: 10_000 }) {
  const grabs: Grab[] = [];
  const refusals: string[] = [];
  const object = {
    grabbable: true,
    heldByMe: false,
    transform: Float64Array.from([0.5, 1.2, -3, 0, 0.6, 0, 0.8, 1]),
    grab(hand: Hand, options?: { readonly grip?: Grip; readonly scale?: number }) {
      grabs.push({ hand, grip: options?.grip, scale: options?.scale });
      object.heldByMe = true;
      return Promise.resolve(answer);
    },
    release() {
      object.heldByMe = false;
    },
  };
  const pose = new Float64Array(21);
  writeDevice(pose, 2, new Vector3(0.2, 1.3, -0.4), new Quaternion().setFromAxisAngle(new Vector3(0, 1, 0), 0.7));
  const space = { me: { pose }, objects: { get: (id: string) => (id === "gear-1" ? object : undefined) } };
  const carry = new Carry(space as unknown as Space, "right", (_result, id) => refusals.push(id));
  const left = new Carry(space as unknown as Space, "left", (_result, id) => refusals.push(id));
  return { carry, left, grabs, refusals, object, pose };
}

/** Where a grip puts the object: hand * grip. */
function held(pose: Float64Array, grip: Grip | undefined): { readonly at: Vector3; readonly turn: Quaternion } {
  const at = new Vector3();
  const turn = new Quaternion();
  readDevice(pose, 2, at, turn);
  const offset = new Vector3(...(grip as Grip).position).applyQuaternion(turn);
  return { at: at.add(offset), turn: turn.multiply(new Quaternion(...(grip as Grip).rotation)) };
}

describe("carrying", () => {
  it("leaves the object where it is at the moment of taking", () => {
    const { carry, grabs, pose } = fixture();
    carry.take("gear-1");
    const { at, turn } = held(pose, grabs.at(-1)?.grip);
    expect(at.distanceTo(new Vector3(0.5, 1.2, -3))).toBeLessThan(1e-12);
    expect(turn.angleTo(new Quaternion(0, 0.6, 0, 0.8))).toBeLessThan(1e-6);
  });

  it("takes what is out of reach with the pointer first, then passes it to the hand", () => {
    const far = fixture();
    far.carry.take("gear-1");
    expect(far.grabs.map(({ hand }) => hand)).toEqual(["pointer", "right"]);
    const near = fixture();
    near.object.transform.set([0.25, 1.3, -0.6]);
    near.carry.take("gear-1");
    expect(near.grabs.map(({ hand }) => hand)).toEqual(["right"]);
  });

  it("reels along the hand's forward axis only, and never through the hand", () => {
    const { carry, grabs } = fixture();
    carry.take("gear-1");
    const before = grabs.at(-1)?.grip?.position;
    carry.reel(0.5);
    expect(grabs.at(-1)?.grip?.position).toEqual([before?.[0], before?.[1], (before?.[2] ?? 0) - 0.5]);
    carry.reel(-100);
    expect(grabs.at(-1)?.grip?.position[2]).toBeLessThan(0);
  });

  it("spins about the room's vertical axis", () => {
    const { carry, grabs, pose } = fixture();
    carry.take("gear-1");
    carry.spin(Math.PI / 4);
    const { at, turn } = held(pose, grabs.at(-1)?.grip);
    const wanted = new Quaternion().setFromAxisAngle(new Vector3(0, 1, 0), Math.PI / 4).multiply(new Quaternion(0, 0.6, 0, 0.8));
    expect(at.distanceTo(new Vector3(0.5, 1.2, -3))).toBeLessThan(1e-12);
    expect(turn.angleTo(wanted)).toBeLessThan(1e-6);
  });

  it("says once when the room refuses", async () => {
    const { carry, refusals } = fixture({ granted: false, reason: "held-by-other", holder: 4 });
    carry.take("gear-1");
    await Promise.resolve();
    await Promise.resolve();
    expect(refusals).toEqual(["gear-1"]);
    expect(carry.object).toBeUndefined();
  });

  it("carries nothing any more when the room took it away, or it was dropped", () => {
    const { carry, object } = fixture();
    carry.take("gear-1");
    expect(carry.object).toBe("gear-1");
    object.heldByMe = false;
    expect(carry.object).toBeUndefined();
    carry.take("gear-1");
    carry.drop();
    expect(object.heldByMe).toBe(false);
    expect(carry.object).toBeUndefined();
  });

  it("a second hand joins, and whichever stays keeps it", () => {
    const { carry, left, grabs, object } = fixture();
    left.join("gear-1");
    expect(grabs).toEqual([]);
    object.transform.set([0.25, 1.3, -0.6]);
    carry.take("gear-1");
    left.join("gear-1");
    expect(grabs.at(-1)?.hand).toBe("both");
    carry.drop(left);
    expect([grabs.at(-1)?.hand, object.heldByMe, carry.object, left.object]).toEqual(["left", true, undefined, "gear-1"]);
    left.drop(carry);
    expect(object.heldByMe).toBe(false);
  });

  it("scales what it carries, and nothing else", () => {
    const { carry, grabs } = fixture();
    carry.scale(2);
    expect(grabs).toEqual([]);
    carry.take("gear-1");
    carry.scale(2);
    expect(grabs.at(-1)).toMatchObject({ hand: "right", scale: 2 });
  });
});
