/** The SDK for node: bots, tools and tests. The same link as in browsers, and a frame loop for those who have no display. */
export * from "../index.ts";
/** The link and the document messages by themselves, for tools that are no space: load drivers, chaos runs. */
export { docStep1, docStep2, docUpdate, readDocMessage } from "../core/doc-wire.ts";
export type { Link } from "../core/link.ts";
export { colyseusDialer } from "./colyseus.ts";

/**
 * Calls `run` at `hz` on absolute deadlines (setInterval drifts), never more than once to catch up. Returns the function that stops it.
 */
export function frameLoop(hz: number, run: (nowMs: number) => void): () => void {
  const periodMs = 1000 / hz;
  let dueMs = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tick = (): void => {
    const nowMs = performance.now();
    run(nowMs);
    dueMs = Math.max(dueMs + periodMs, nowMs - periodMs);
    timer = setTimeout(tick, Math.max(0, dueMs - performance.now()));
  };
  timer = setTimeout(tick, 0);
  return () => clearTimeout(timer);
}
