/**
 * Where the compaction thread begins.
 *
 * [CK1] It gives way before it loads anything: nobody waits for a fold, somebody now and then for a past, and everybody for the threads that
 *       share the cores with it. Reading its modules is more work than folding a small scene.
 */
import { getPriority, setPriority } from "node:os";

/** A quarter of a core that somebody else wants. */
const NICE = 6;
const NICE_MAX = 19;

// Linux counts niceness per thread, and 0 names the one that asks; elsewhere it would be the whole process.
if (process.platform === "linux") {
  try {
    setPriority(0, Math.min(NICE_MAX, getPriority(0) + NICE));
  } catch {
    // A sandbox that forbids it costs a few late acknowledgements.
  }
}
await import("./compaction-worker.ts");
