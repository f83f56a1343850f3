/**
 * When a space may be used.
 *
 * [RD1] Settles once: ready, refused with a reason, or out of patience.
 */
import type { Scheduler } from "./link.ts";
import { type CloseInfo, JoinError } from "./space-types.ts";

export class Readiness {
  /** Rejects with a `JoinError`. */
  readonly promise: Promise<void>;
  settle: (failure?: CloseInfo) => void = () => undefined;

  /** `outOfPatience`, called unless it was settled before, settles it. */
  constructor(scheduler: Scheduler, patienceMs: number, outOfPatience: () => void) {
    this.promise = new Promise((resolve, reject) => {
      const giveUp = scheduler.after(patienceMs, outOfPatience);
      this.settle = (failure) => {
        giveUp();
        this.settle = () => undefined;
        if (failure === undefined) resolve();
        else reject(new JoinError(failure));
      };
    });
    // Who does not wait for it learns of a failure from `status`; it is no unhandled rejection.
    this.promise.catch(() => undefined);
  }
}
