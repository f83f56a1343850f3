/** The pipeline with workers of its own, thread and child process: onnxruntime in them, killed, hung, flooded. */
import { describe, expect, it } from "vitest";
import type { Carrier, CarrierEvents, Envelope } from "./carrier.ts";
import { ChildLauncher } from "./host/child-launcher.ts";
import { HostCarrier } from "./host/host-carrier.ts";
import { threadLauncher } from "./host/thread-launcher.ts";
import type { Launcher } from "./host/vessel.ts";
import { NativeGate } from "./runtime/native-gate.ts";
import { tinyModel } from "./runtime/tiny-model.ts";
import { pipelineContract, type PipelineUnderTest } from "./side-pipeline.contract.ts";
import { type Deadlines, SidePipeline } from "./side-pipeline.ts";
import { chatEvent, labelEvent, objectEvent, SteppedTimers } from "./testing/events.ts";
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

/** A pipeline on a stepped clock, before a worker that takes everything and answers nothing. */
function listening() {
  const timers = new SteppedTimers();
  const sent: Envelope[] = [];
  const carrier = (events: CarrierEvents): Carrier => {
    timers.after(0, () => events.onUp(0, { ok: true, sentence: "a worker that only listens" }));
    return {
      parts: 1,
      restarts: 0,
      pids: [],
      partOf: () => 0,
      room: () => ({ objects: 64, requests: 64 }),
      send: (_, items) => void sent.push(...items),
      abandon: () => undefined,
      forget: () => undefined,
      close: () => Promise.resolve(),
    };
  };
  const pipeline = new SidePipeline({ mode: "process", carrier, timers });
  /** What was sent after `ms`, by scene; what is due is handed over in a turn of the event loop. */
  const sentAfter = async (ms: number): Promise<Record<string, number>> => {
    sent.length = 0;
    timers.advance(ms);
    await new Promise((resolve) => void setImmediate(resolve));
    const counts: Record<string, number> = {};
    for (const { scene } of sent) counts[scene] = (counts[scene] ?? 0) + 1;
    return counts;
  };
  return { pipeline, timers, sentAfter };
}

describe("a worker that does not answer in time", () => {
  it("[SP2] keeps a line of chat for 25 ms and the sweep, a label for 100, before the room's process judges them", () => {
    const { pipeline, timers } = listening();
    const answeredMs = new Map<string, number>();
    pipeline.onAnswer("room", (answer) => {
      if (answer.kind === "verdict") answeredMs.set(answer.subject.kind, timers.now());
    });
    timers.advance(1);
    const saidMs = timers.now();
    pipeline.offer("room", chatEvent(1, "hello"));
    pipeline.offer("room", labelEvent("box", 1, "a box"));
    timers.advance(200);
    const waited = (kind: string): number => (answeredMs.get(kind) ?? Infinity) - saidMs;
    expect(waited("chat")).toBeGreaterThanOrEqual(25);
    expect(waited("chat")).toBeLessThanOrEqual(25 + 10 + 4);
    expect(waited("field")).toBeGreaterThanOrEqual(100);
    expect(waited("field")).toBeLessThanOrEqual(100 + 10 + 4);
  });
});

describe("a flood of one scene", () => {
  it("[SP6] waits between full batches, and nobody else waits for it", async () => {
    const { pipeline, sentAfter } = listening();
    for (let i = 0; i < 300; i++) pipeline.offer("loud", chatEvent(i, "hello", `u${i}`));
    await sentAfter(1);
    expect(await sentAfter(0)).toEqual({});
    pipeline.offer("calm", chatEvent(1, "hello"));
    pipeline.offer("calm", objectEvent("box", "a box"));
    expect(await sentAfter(0)).toEqual({ calm: 2 });
    expect(await sentAfter(18)).toEqual({});
    expect(Object.keys(await sentAfter(2))).toEqual(["loud"]);
    expect(await sentAfter(0)).toEqual({});
  });
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
