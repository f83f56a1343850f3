/**
 * The first lull after a start. People who lost their connection with the last process are back within moments, and all want the processors at
 * once; what can wait (a worker that reads its models for a second or two) waits until they are in.
 *
 * [LU1] `reached` resolves when nothing has stirred for QUIET_MS since `begin`, and at the latest LATEST_MS after it.
 * [LU2] Keeps no process alive.
 */

/** Longer than what lies between two steps of somebody's way in. */
const QUIET_MS = 250;
/** A server that is busy from its first moment on gets what waited all the same. */
const LATEST_MS = 2000;

export class Lull {
  readonly reached: Promise<void>;
  private resolve: () => void = () => undefined;
  private quiet: NodeJS.Timeout | undefined;
  private latest: NodeJS.Timeout | undefined;

  constructor() {
    this.reached = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** The server can be reached. */
  begin(): void {
    this.latest = setTimeout(() => this.end(), LATEST_MS).unref();
    this.quiet = setTimeout(() => this.end(), QUIET_MS).unref();
  }

  /** Somebody is on the way in; nothing before `begin` and after the end. */
  stir(): void {
    this.quiet?.refresh();
  }

  private end(): void {
    clearTimeout(this.quiet);
    clearTimeout(this.latest);
    this.quiet = this.latest = undefined;
    this.resolve();
  }
}
