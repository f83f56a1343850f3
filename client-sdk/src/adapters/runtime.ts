/** Clock, timers and dice of browsers and node, for the core that has none of its own. */
import type { ClientClock, Scheduler } from "../core/link.ts";
import { type Random, seededRandom } from "../core/random.ts";

export const systemClock: ClientClock = { now: () => performance.now() };

export const systemScheduler: Scheduler = {
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Seeded from the platform's own randomness: document ids must differ between people. */
export function systemRandom(): Random {
  const [seed = 1] = crypto.getRandomValues(new Uint32Array(1));
  return seededRandom(seed);
}
