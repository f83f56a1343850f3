/**
 * When a worker thread may be terminated.
 *
 * Terminating a thread while onnxruntime-node runs an inference in it aborts the whole process (Napi::Error out of the addon's completion
 * callback; seen with 1.30.0 on Node 24). So native calls and termination take turns at one shared word:
 *
 * [NG1] A native call runs only between `enter` and `leave`; while it does, `close` fails.
 * [NG2] After `close` has succeeded `enter` fails for ever, so the thread can be terminated at any time.
 */
const IDLE = 0;
const BUSY = 1;
const CLOSED = 2;

export class NativeGate {
  /** Share this with the thread. */
  readonly buffer: SharedArrayBuffer;
  private readonly word: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer;
    this.word = new Int32Array(buffer);
  }

  enter(): boolean {
    return Atomics.compareExchange(this.word, 0, IDLE, BUSY) === IDLE;
  }
  leave(): void {
    Atomics.compareExchange(this.word, 0, BUSY, IDLE);
  }
  /** True when the thread may be terminated now and later. */
  close(): boolean {
    return Atomics.compareExchange(this.word, 0, IDLE, CLOSED) !== BUSY;
  }

  /** Runs `call` inside the gate; undefined when the thread is about to be terminated. */
  async run<T>(call: () => Promise<T>): Promise<T | undefined> {
    if (!this.enter()) return undefined;
    try {
      return await call();
    } finally {
      // The addon still unwinds its completion callback when the promise resolves; it is done a turn of the event loop later.
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.leave();
    }
  }
}
