/** Clocks for what work costs: of a thread, and one that all threads of the process agree on. */

/** Milliseconds of processor time, user and system, which do not pass while neighbours have the processor, since the thread began. Source: getrusage(RUSAGE_THREAD). */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds on a clock that does not go back and that every thread reads alike; `performance.now()` counts from each thread's own beginning. */
export const sharedMs = (): number => Number(process.hrtime.bigint()) / 1e6;
