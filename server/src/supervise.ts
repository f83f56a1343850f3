/**
 * What the process does about signals and strays while a server runs in it. Embedders that have their own policy leave this out.
 *
 * [SU1] SIGINT and SIGTERM stop gracefully within the deadline (exit 0, or 1 if not everything ended in time); a second signal ends at
 *       once (exit 130).
 * [SU2] An uncaught exception has unwound through code that did not expect it, so the process's state is not to be trusted: log, stop
 *       within the deadline, exit 1. Rooms catch their own failures before it comes to that.
 * [SU3] An unhandled rejection leaves no half-done synchronous work behind (the core has no await), so one costs a log line and a count;
 *       a server that produces more than `MAX_REJECTIONS` a minute is broken and ends like [SU2].
 * [SU4] What the start left behind is collected while nobody is in: reading the sources makes room for new objects, some 64 MB of it, that
 *       the engine otherwise keeps and fills again with the first large document.
 */
import { collectNow } from "./adapters/collector.ts";
import { errorFields } from "./adapters/log.ts";
import type { RunningServer } from "./main.ts";

const MAX_REJECTIONS = 20;
const MINUTE_MS = 60_000;
const EXIT_FAILED = 1;
/** 128 + SIGINT: the shell's word for "interrupted". */
const EXIT_IMPATIENT = 130;

/** `beforeStop` is for what runs beside the server in the same process; it may take its part of the deadline. */
export function supervise(server: RunningServer, beforeStop: () => Promise<unknown> | void = () => {}): void {
  collectNow();
  let ending = false;
  const end = async (code: number): Promise<void> => {
    if (ending) process.exit(EXIT_IMPATIENT);
    ending = true;
    await beforeStop();
    const clean = await server.stop();
    process.exit(clean ? code : EXIT_FAILED);
  };
  process.on("SIGINT", () => void end(0));
  process.on("SIGTERM", () => void end(0));
  process.on("uncaughtException", (error) => {
    server.log.fatal(errorFields(error), "uncaught exception: the process cannot be trusted any more and stops");
    // A second one while stopping is part of the same breakdown, not somebody's impatience.
    if (!ending) void end(EXIT_FAILED);
  });
  let rejections: number[] = [];
  process.on("unhandledRejection", (reason) => {
    server.metrics.unhandledRejection();
    server.log.error(errorFields(reason), "unhandled rejection: counted, the server goes on");
    const now = performance.now();
    rejections = [...rejections.filter((at) => now - at < MINUTE_MS), now];
    if (rejections.length <= MAX_REJECTIONS || ending) return;
    server.log.fatal({ rejections: rejections.length }, "too many unhandled rejections in a minute: the server stops");
    void end(EXIT_FAILED);
  });
}
