/**
 * What this server asks of the engine's garbage collector: a setting before its first room, and a collection where much was left behind.
 *
 * A room's inputs and frames are made by the thousand and are all alive until the tick that uses them is over. Collections that fall in
 * between teach the engine that such objects live long, and it begins to allocate them among the old ones: each then keeps everything that
 * it names alive until the next full collection, and the small collections, which should take a millisecond, take 20 to 50 (1 000 people
 * at 30 Hz: p99 tick 20 to 50 ms with it, 12 to 17 without).
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { readonly type: "major"; readonly execution: "sync"; readonly flavor: "last-resort" }) => void;

/** Objects are allocated among the young, always. Once per process; ended by nothing. */
export function allocateYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}

/**
 * A full collection of the calling thread's heap that also gives its spare pages back to the system. It holds the thread for as long as a walk
 * through everything alive in it takes, so it is for threads that keep little, after something large went through them.
 */
export function collectNow(): void {
  // The engine has no other way to be asked; the flag only names a function in contexts made from now on.
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as Collect)({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** Until when growth of the young generation is held back, ms; one timer for all who ask. */
let growing: NodeJS.Timeout | undefined;

/**
 * Holds the young generation (of every thread of the process) at the size it has while something large is taken in. What is loaded is alive from the first
 * moment on, which the engine answers by doubling the room for new objects up to 128 MB, and it keeps that for good: more than the document
 * itself. Calls while it is held prolong it.
 */
export function holdYoung(ms: number): void {
  clearTimeout(growing);
  setFlagsFromString("--semi-space-growth-factor=1");
  growing = setTimeout(() => setFlagsFromString("--semi-space-growth-factor=2"), ms).unref();
}
