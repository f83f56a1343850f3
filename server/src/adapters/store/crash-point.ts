/**
 * Named places at which tests let the process die (`npm run chaos -- kill`). They do nothing unless the process was started with
 * `node --import .../simulations/src/chaos/crash-here.ts?...`, which sets the hook: no setting, message or file of a server can.
 */
export const CRASH_POINTS = [
  "append.begin",
  "append.inserted",
  "append.fsync",
  "append.committed",
  "snapshot.read",
  "snapshot.chunk",
  "snapshot.fsync",
  "snapshot.committed",
  "compaction.fold",
  "compaction.verify",
  "checkpoint.begin",
  "checkpoint.fsync",
  "start.opened",
  "start.read",
  "start.loaded",
] as const;
/** Those of a re-rooting, which a server reaches after thousands of clientIDs or tombstones only. */
export const REROOT_POINTS = ["reroot.read", "reroot.built", "reroot.records", "reroot.fsync", "reroot.committed"] as const;
/** Reached only when an operator asks for something (store-admin.ts); the kill run does not. */
type AdminCrashPoint = "erase.page" | "erase.vacuum" | "import.commit";
export type CrashPoint = (typeof CRASH_POINTS)[number] | (typeof REROOT_POINTS)[number] | AdminCrashPoint;

const HOOK = Symbol.for("copresence.crash-point");

export function crashPoint(name: CrashPoint): void {
  const hook = (globalThis as { readonly [HOOK]?: (name: CrashPoint) => void })[HOOK];
  if (hook !== undefined) hook(name);
}
