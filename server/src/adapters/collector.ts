/**
 * Settings of the engine's garbage collector that a room's process wants, before its first room.
 *
 * A room's inputs and frames are made by the thousand and are all alive until the tick that uses them is over. Collections that fall in
 * between teach the engine that such objects live long, and it begins to allocate them among the old ones: each then keeps everything that
 * it names alive until the next full collection, and the small collections, which should take a millisecond, take 20 to 50 (1 000 people
 * at 30 Hz: p99 tick 20 to 50 ms with it, 12 to 17 without).
 */
import { setFlagsFromString } from "node:v8";

/** Objects are allocated among the young, always. Once per process; ended by nothing. */
export function allocateYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
