/** Everything drawn inside a space: objects, people, shadows, own hands, the teleport marker; and the one call that updates it all. */
import { Vector3 } from "three";
import type { Space } from "@copresence/client";
import { attachThree } from "@copresence/client/three";
import { avatarMaker } from "../world/avatar.ts";
import { ContactShadows } from "../world/contact-shadows.ts";
import { createMaterials } from "../world/materials.ts";
import { ObjectViews } from "../world/object-views.ts";
import { OwnHands } from "../world/own-hands.ts";
import type { Stage } from "../world/stage.ts";
import { TeleportAim } from "../world/teleport-aim.ts";
import { place } from "../input/geometry.ts";

const PERSON_SHADOW_M = 0.62;

export type World = {
  readonly views: ObjectViews;
  readonly hands: OwnHands;
  readonly aim: TeleportAim;
  /** Exchanges with the room (`space.frame`, through `attachThree`) and places everything. After `me.setPose`. */
  update(nowMs: number, deltaMs: number): void;
};

export function createWorld(stage: Stage, space: Space): World {
  const materials = createMaterials(stage.quality);
  const views = new ObjectViews(space, stage.scene, materials);
  const hands = new OwnHands(stage.scene, stage.rig, materials);
  const shadows = new ContactShadows(stage.scene);
  const aim = new TeleportAim(stage.scene);
  const people = attachThree(space, { renderer: stage.renderer, scene: stage.scene, createAvatar: avatarMaker(materials), measure: false });
  const eye = new Vector3();
  return {
    views,
    hands,
    aim,
    update(nowMs, deltaMs) {
      people.update(nowMs);
      place(stage.rig, space.me.origin);
      stage.rig.updateMatrixWorld(true);
      stage.camera.getWorldPosition(eye);
      shadows.begin();
      for (const person of space.people) {
        if (person.visible) shadows.add(person.pose[0] as number, 0, person.pose[2] as number, PERSON_SHADOW_M);
      }
      views.frame(eye, shadows, nowMs, deltaMs);
      shadows.end();
    },
  };
}
