/** Deleting, with a way back: the room's history still has the object when nobody can select it any more. */
import type { Space } from "@copresence/client";
import type { Toasts } from "./toasts.ts";

export function deleteObject(space: Space, id: string, toasts: Pick<Toasts, "offer" | "show">): void {
  const object = space.objects.get(id);
  if (object === undefined) return;
  const { type } = object;
  space.objects.delete(id);
  // Refused at once, where one's role does not allow it: that has its own sentence.
  if (!object.exists) toasts.offer(`The ${type} is deleted, for everybody.`, "Undo", () => void bringBack(space, id, toasts));
}

async function bringBack(space: Space, id: string, toasts: Pick<Toasts, "show">): Promise<void> {
  const past = await space.history({ object: id, limit: 1 });
  if (!past.ok) return toasts.show(past.sentence, "warning");
  const [newest] = past.entries;
  if (newest?.kind !== "deleted" || newest.user !== space.me.user) return toasts.show("It is not gone, or was deleted by somebody else.");
  // Only the deletion: what one did to it before stays.
  const undone = await space.rollback({ by: newest.user, object: id, since: newest.untilMs });
  if (!undone.ok) return toasts.show(undone.sentence, "warning");
  toasts.show(undone.changed > 0 ? "It is back." : "It cannot be brought back: the history does not have it any more.");
}
