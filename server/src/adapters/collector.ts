/**
 * What this server asks of the engine's garbage collector: a setting before its first room, and a collection where much was left behind.
 *
 * A room's inputs and frames are made by the thousand and are all alive until the tick that uses them is over. Collections that fall in
 * between teach the engine that such objects live long, and it begins to allocate them among the old ones: each then keeps everything that
 * it names alive until the next full collection, and the small collections, which should take a millisecond, take 20 to 50 (1 000 people
 * at 30 Hz: p99 tick 20 to 50 ms with it, 12 to 17 without).
 */
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
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

/**
 * Both halves of the young generation while it is held, at least: in one megabyte, where an idle server's ends, a long text is loaded between a
 * thousand small collections.
 */
const HELD_BYTES = 8 << 20;
/** What `growTo` makes survive at a time, and how often it tries: where the engine thinks that little is going on, it does not grow. */
const FILL_ARRAYS = 2000;
const FILLS_MAX = 12;

/** Until when growth of the young generation is held back, ms; one timer for all who ask. */
let growing: NodeJS.Timeout | undefined;

/**
 * Holds the young generation (of every thread of the process) at the size it has, but at least HELD_BYTES, while something large is taken in. What is
 * loaded is alive from the first moment on, which the engine answers by doubling the room for new objects up to 128 MB, and it keeps that for
 * good: more than the document itself. Calls while it is held prolong it.
 */
export function holdYoung(ms: number): void {
  clearTimeout(growing);
  growTo(HELD_BYTES);
  setFlagsFromString("--semi-space-growth-factor=1");
  growing = setTimeout(() => setFlagsFromString("--semi-space-growth-factor=2"), ms).unref();
}

/** The engine grows it when more has survived than fits into it. */
function growTo(bytes: number): void {
  const before = youngBytes();
  if (before >= bytes) return;
  // In one step. The engine commits its second half late, so a size of 1 MB may be that of one half.
  setFlagsFromString(`--semi-space-growth-factor=${before * 4 <= bytes ? 4 : 2}`);
  const kept: unknown[] = [];
  for (let fill = 0; fill < FILLS_MAX && youngBytes() < bytes; fill++) for (let i = 0; i < FILL_ARRAYS; i++) kept.push(new Array(64));
}

const youngBytes = (): number => getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? Number.POSITIVE_INFINITY;
