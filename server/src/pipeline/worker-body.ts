/**
 * What runs inside a worker of our own: tests and warms up its models, then handles batches in order.
 *
 * [PW1] A batch is handled to its end before the next and acknowledged once; a worker that dies in between acknowledges nothing.
 * [PW2] In a thread, native code runs only inside the gate (native-gate.ts); a child process needs none and ends with its channel.
 */
import { Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import type { RuntimeReport } from "./carrier.ts";
import type { Consumers } from "./consumers.ts";
import { FrameReader, frameOf } from "./host/frames.ts";
import { MARK_VARIABLE, WIRE_FD } from "./host/vessel.ts";
import { NativeGate } from "./runtime/native-gate.ts";
import type { Fault, FromWorker, ToWorker, WorkerData } from "./worker-messages.ts";

export type Loaded = { readonly consumers: Consumers; readonly runtime: RuntimeReport };
/** Loads the models, proves that they compute what they did where they were made, and runs each once, so that the first request is not the slow one. */
export type Load = () => Promise<Loaded>;

type Port = { say(message: FromWorker): void; hear(listener: (message: ToWorker) => void): void; leave(): void };

export async function runWorker(load: Load): Promise<void> {
  const port = parentPort === null ? processPort() : threadPort(parentPort);
  const gate = parentPort === null ? undefined : new NativeGate((workerData as WorkerData).gate);
  const gated = <T>(call: () => Promise<T>): Promise<T | undefined> => (gate === undefined ? call() : gate.run(call));
  const loaded = await gated(load);
  if (loaded === undefined) return port.leave();
  const { consumers, runtime } = loaded;
  let working: Promise<unknown> = Promise.resolve();
  port.hear((message) => {
    if (message.kind === "fault") return fail(message.fault);
    working = working.then(async () => {
      switch (message.kind) {
        case "forget":
          return consumers.forget(message.scene);
        case "close":
          return port.leave();
        case "batch": {
          const handled = await gated(() => consumers.handleBatch(message.items));
          if (handled !== undefined) port.say({ kind: "done", id: message.id, handled });
        }
      }
    });
  });
  port.say({ kind: "ready", runtime });
}

function threadPort(parent: NonNullable<typeof parentPort>): Port {
  return {
    say: (message) => parent.postMessage(message),
    hear: (listener) => void parent.on("message", listener),
    leave: () => parent.close(),
  };
}

function processPort(): Port {
  process.once("disconnect", () => process.exit(0));
  // The terminal's Ctrl-C goes to everybody in it; this one leaves when the server says so.
  process.on("SIGINT", () => undefined);
  const mark = Buffer.from(process.env[MARK_VARIABLE] ?? "", "hex");
  const wire = new Socket({ fd: WIRE_FD, readable: true, writable: true });
  // With the room's process gone there is nobody to talk to, and the channel says so too.
  wire.on("error", () => undefined);
  wire.write(mark);
  return {
    say: (message) => void wire.write(frameOf(message)),
    hear: (listener) => {
      const reader = new FrameReader(mark, (message) => listener(message as ToWorker));
      wire.on("data", (chunk: Buffer) => reader.push(chunk));
    },
    leave: () => process.disconnect(),
  };
}

function fail(fault: Fault): void {
  if (fault === "crash") {
    // Thrown from a promise's callback it would only be a rejection.
    setImmediate(() => {
      throw new Error("fault injection: crash");
    });
    return;
  }
  // Nobody ever notifies: the worker hangs without using the processor.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
