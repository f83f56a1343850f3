/**
 * The side pipeline's thread: entry point, started by worker-host.ts. Loads the model runtime, then handles batches in order.
 *
 * [PW1] A batch is handled to its end before the next and acknowledged once; a thread that dies in between acknowledges nothing.
 * [PW2] Native code runs only inside the gate (native-gate.ts).
 */
import { parentPort, workerData } from "node:worker_threads";
import { Consumers } from "./consumers.ts";
import { NativeGate } from "./runtime/native-gate.ts";
import { testRuntime } from "./runtime/self-test.ts";
import type { Fault, FromWorker, SceneAnswer, ToWorker, WorkerData } from "./worker-messages.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts is started by worker-host.ts, as a thread");

const gate = new NativeGate((workerData as WorkerData).gate);
const consumers = new Consumers({ degraded: false });

const report = await gate.run(testRuntime);
if (report === undefined) process.exit(0);
say({ kind: "ready", runtimeOk: report.ok, runtime: report.sentence });
port.on("message", (message: ToWorker) => hear(message));

function hear(message: ToWorker): void {
  switch (message.kind) {
    case "batch": {
      const answers: SceneAnswer[] = [];
      for (const { scene, event } of message.items) {
        const answer = consumers.handle(scene, event);
        if (answer !== undefined) answers.push({ scene, answer });
      }
      return say({ kind: "done", id: message.id, answers });
    }
    case "forget":
      return consumers.forget(message.scene);
    case "close":
      return port?.close();
    case "fault":
      return fail(message.fault);
  }
}

function say(message: FromWorker): void {
  port?.postMessage(message);
}

function fail(fault: Fault): void {
  if (fault === "crash") throw new Error("fault injection: crash");
  // Nobody ever notifies: the thread hangs without using the processor.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
