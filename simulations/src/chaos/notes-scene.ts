/** The scene of the chaos runs: notes that many people write at once, and that somebody filled with ten megabytes before. */
import { defineScene, t } from "@copresence/shared/scene";

const person = { create: true, edit: true, grab: true, chat: true, moderate: false };

const notes = defineScene({
  name: "notes",
  version: 1,
  bounds: { min: [-50, 0, -50], max: [50, 10, 50] },
  roles: { guest: person, member: person, moderator: { ...person, moderate: true } },
  objects: { note: { transform: t.leased(), body: t.text(), color: t.lww(t.color()), votes: t.counter() } },
});
export default notes;
