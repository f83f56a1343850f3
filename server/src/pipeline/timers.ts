/** Time as the pipeline's parts see it; tests step it by hand. */
export type Timers = {
  /** Monotonic milliseconds. */
  now(): number;
  /** Runs once after `ms`; returns a cancel function. Never keeps the process alive. */
  after(ms: number, run: () => void): () => void;
};

export const realTimers: Timers = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
