/** Shows one's own hands: controllers and rays in XR, a tether to what is carried on the desktop. */
import { Vector3 } from "three";
import type { Space } from "@copresence/client";
import type { DesktopInput } from "../input/desktop.ts";
import { deviceOf, readDevice } from "../input/geometry.ts";
import type { XrInput } from "../input/xr.ts";
import type { Stage } from "../world/stage.ts";
import type { World } from "./world.ts";

const at = new Vector3();

export function drawOwnHands(options: {
  readonly space: Space;
  readonly world: World;
  readonly stage: Stage;
  readonly desktop: DesktopInput;
  /** While an XR session presents. */
  readonly xr: XrInput | undefined;
  /** Float64Array[21], play space. */
  readonly local: Float64Array;
}): void {
  const { space, world, stage, desktop, xr, local } = options;
  const positionOf = (id: string | undefined): Vector3 | undefined => {
    const transform = id === undefined ? undefined : space.objects.get(id)?.transform;
    return transform === undefined ? undefined : at.fromArray(transform as unknown as number[]);
  };
  if (xr === undefined) {
    world.hands.showTether(stage.camera, positionOf(desktop.carry.object));
    return;
  }
  world.hands.showTether(stage.camera, undefined);
  xr.hands.forEach((hand, i) => {
    const index = i as 0 | 1;
    if (!hand.tracked) return world.hands.hideHand(index);
    const group = world.hands.groups[index];
    readDevice(local, deviceOf(hand.side), group.position, group.quaternion);
    const target = positionOf(hand.carry.object ?? hand.hovered);
    world.hands.showRay(index, hand.ray.origin, hand.ray.direction, target?.distanceTo(hand.ray.origin));
    world.hands.showFingers(index, xr.body.hands[index]);
  });
}
