/**
 * Typed events. A listener that throws must not starve the others nor break the core's step: the error is rethrown on its own,
 * through the scheduler, where the application's handler for uncaught errors sees it.
 */
import type { Scheduler } from "./link.ts";

export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(value: never) => void>>();
  private readonly scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /** Returns the function that removes the listener. */
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void {
    let set = this.listeners.get(event);
    if (set === undefined) this.listeners.set(event, (set = new Set()));
    // A wrapper, so that the same function registered twice is called, and removed, twice.
    const entry = (value: Events[E]): void => listener(value);
    set.add(entry);
    return () => void set.delete(entry);
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const listener of this.listeners.get(event) ?? []) {
      try {
        (listener as (value: Events[E]) => void)(value);
      } catch (error) {
        this.scheduler.after(0, () => {
          throw error;
        });
      }
    }
  }
}
