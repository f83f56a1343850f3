/** Waiting until nothing is unsaved any more. */
import type { Scheduler } from "./link.ts";
import type { Space } from "./space-types.ts";

/** Resolves when the newest edits are saved or refused, at the latest after `withinMs`. */
export function whenSaved(space: Pick<Space, "on">, scheduler: Scheduler, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      off();
      resolve();
    };
    const cancel = scheduler.after(withinMs, finish);
    const off = space.on("saved", (state) => {
      if (state === "saved" || state === "denied") finish();
    });
  });
}
