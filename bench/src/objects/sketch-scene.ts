/** The scene that recorded editing sessions are replayed in: pages that people write on, strokes that people draw. */
import { defineScene, t } from "@copresence/shared/scene";

const person = { create: true, edit: true, grab: true, chat: true, moderate: false };

export const sketch = defineScene({
  name: "sketch",
  version: 1,
  bounds: { min: [-50, 0, -50], max: [50, 10, 50] },
  roles: { guest: person, member: person, moderator: { ...person, moderate: true } },
  objects: { page: { body: t.text() }, stroke: { brush: t.lww(t.string()), color: t.lww(t.string()), points: t.list(t.string()) } },
});
// COPRESENCE_SCENE takes a module's default export.
export default sketch;
