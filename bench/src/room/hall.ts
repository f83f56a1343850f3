/** The scene of the room benches: a hall that a thousand people fit into, with a thing in it. */
import { defineScene, t } from "@copresence/shared/scene";

export const hall = defineScene({
  name: "hall",
  version: 1,
  bounds: { min: [-60, 0, -60], max: [60, 6, 60] },
  roles: { member: { create: false, edit: false, grab: true, chat: true, moderate: false } },
  objects: { thing: { transform: t.leased() } },
});
