/** Processor time of the calling thread: what work costs, also where neighbours make the clock on the wall run on meanwhile. */

/** Milliseconds of processor time, user and system, since the thread began. Source: getrusage(RUSAGE_THREAD). */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
