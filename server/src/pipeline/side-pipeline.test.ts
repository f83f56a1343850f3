/** The pipeline with workers of its own, thread and child process: onnxruntime in them, killed, hung, flooded. */
import { describe, expect, it } from "vitest";
import { ChildLauncher } from "./host/child-launcher.ts";
import { HostCarrier } from "./host/host-carrier.ts";
import { threadLauncher } from "./host/thread-launcher.ts";
import type { Launcher } from "./host/vessel.ts";
import { NativeGate } from "./runtime/native-gate.ts";
import { tinyModel } from "./runtime/tiny-model.ts";
import { pipelineContract, type PipelineUnderTest } from "./side-pipeline.contract.ts";
import { type Deadlines, SidePipeline } from "./side-pipeline.ts";
import { labelEvent } from "./testing/events.ts";
import { LogLines } from "./testing/log-lines.ts";
import { realTimers } from "./timers.ts";

const ENTRY = new URL("./testing/poison-worker.ts", import.meta.url);

async function open(launcher: Launcher, deadlines?: Deadlines): Promise<PipelineUnderTest & { readonly pipeline: SidePipeline }> {
  const lines = new LogLines();
  let host: HostCarrier | undefined;
  const mode = launcher instanceof ChildLauncher ? "process" : "thread";
  const carrier: ConstructorParameters<typeof SidePipeline>[0]["carrier"] = (events) =>
    (host = new HostCarrier({ launcher, entry: ENTRY, timers: realTimers }, events));
  const pipeline = new SidePipeline({ mode, carrier, deadlines, onLog: lines.add });
  /** A process gets the signal, a thread is told to do it to itself. */
  const fault = (signal: NodeJS.Signals, kind: "crash" | "freeze") => () => {
    const [pid] = pipeline.health().workers;
    if (pid === undefined) host?.inject(kind);
    else process.kill(pid, signal);
  };
  return { pipeline, lines, crash: fault("SIGKILL", "crash"), freeze: fault("SIGSTOP", "freeze"), close: () => pipeline.close() };
}

pipelineContract("a child process", ({ deadlines }) => open(new ChildLauncher(), deadlines));
pipelineContract("a thread", ({ deadlines }) => open(threadLauncher, deadlines));

describe("a scene that is loaded", () => {
  it("has every text judged, however many, by the worker and also without one", async () => {
    const { pipeline, freeze, lines, close } = await open(new ChildLauncher());
    const hidden = [0, 0];
    let [left, done] = [0, (): void => undefined];
    pipeline.onAnswer("room", (answer) => {
      if (answer.kind !== "verdict") return;
      if (answer.hide) hidden[answer.version - 1] = (hidden[answer.version - 1] ?? 0) + 1;
      if (--left === 0) done();
    });
    /** Hands in 10 000 labels and waits for as many verdicts. */
    const load = (version: number): Promise<void> => {
      left = 10_000;
      const judged = new Promise<void>((resolve) => (done = resolve));
      for (let i = 0; i < left; i++) pipeline.offer("room", { ...labelEvent(`o${i}`, version, i % 1000 === 7 ? "porn" : "crate"), user: "" });
      return judged;
    };
    await lines.until(/serving/);
    await load(1);
    freeze();
    await load(2);
    expect(hidden).toEqual([10, 10]);
    expect(left).toBe(0);
    expect(pipeline.health()).toMatchObject({ dropped: 0 });
    await close();
  }, 60_000);
});

describe("NativeGate", () => {
  it("[NG1] [NG2] lets nobody terminate during a native call, and nobody call after closing", async () => {
    const gate = new NativeGate();
    let during: boolean | undefined;
    await gate.run(async () => {
      during = gate.close();
    });
    expect(during).toBe(false);
    const other = new NativeGate(gate.buffer);
    expect(other.close()).toBe(true);
    expect(gate.close()).toBe(true);
    expect(await gate.run(async () => "ran")).toBeUndefined();
  });

  it("the self-test's model is as small as a model can be", () => {
    expect(tinyModel().length).toBeLessThan(300);
  });
});
