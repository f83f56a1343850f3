import type { Space } from "@copresence/client";
import fc from "fast-check";
import { Ray, Scene, Vector3 } from "three";
import { describe, expect, it } from "vitest";
import { TeleportAim } from "./teleport-aim.ts";

type Target = { readonly position: readonly [number, number, number]; readonly yawRad: number };

function teleported(head: { readonly x: number; readonly z: number }, yaw: number, to: Vector3): Target | undefined {
  let target: Target | undefined;
  const space = { me: { rig: { yaw }, teleport: (where: Target) => (target = where) } } as unknown as Space;
  const aim = new TeleportAim(new Scene());
  aim.start();
  const eye = new Vector3(to.x, 1.6, to.z + 2);
  aim.along(new Ray(eye, to.clone().sub(eye).normalize()));
  aim.confirm(space, head);
  return target;
}

describe("teleporting", () => {
  it("brings the head, not the play space's origin, to the ring", () => {
    fc.assert(
      fc.property(fc.double({ min: -2, max: 2, noNaN: true }), fc.double({ min: -2, max: 2, noNaN: true }), fc.nat(65_535), (x, z, yaw) => {
        const target = teleported({ x, z }, yaw, new Vector3(1, 0, 2));
        const turn = (yaw / 65_536) * Math.PI * 2;
        const head = new Vector3(x, 0, z).applyAxisAngle(new Vector3(0, 1, 0), turn).add(new Vector3(...(target as Target).position));
        expect(head.distanceTo(new Vector3(1, 0, 2))).toBeLessThan(1e-9);
      }),
    );
  });

  it("stays where one may not stand: in the bench, and off the deck", () => {
    expect(teleported({ x: 0, z: 0 }, 0, new Vector3(0, 0, -4.4))).toBeUndefined();
    expect(teleported({ x: 0, z: 0 }, 0, new Vector3(9.9, 0, 0))).toBeUndefined();
  });

  it("does nothing after it was cancelled", () => {
    const space = { me: { rig: { yaw: 0 }, teleport: () => expect.unreachable() } } as unknown as Space;
    const aim = new TeleportAim(new Scene());
    aim.start();
    aim.along(new Ray(new Vector3(0, 1.6, 0), new Vector3(0, -1, -1).normalize()));
    aim.cancel();
    aim.confirm(space, { x: 0, z: 0 });
  });
});
