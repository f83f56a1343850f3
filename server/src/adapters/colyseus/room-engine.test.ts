import type { SessionId } from "@copresence/shared/base";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CoreInput } from "../../core/types.ts";
import { type Core, RoomEngine } from "./room-engine.ts";

const session = "s" as SessionId;
const pose = { kind: "message", session, receivedMs: 0, message: { type: "poseUp" } } as unknown as CoreInput;
const leave: CoreInput = { kind: "leave", session };

function setup(step?: Core["step"]) {
  let clock = 1000;
  const steps: { readonly kinds: string[]; readonly nowMs: number }[] = [];
  const failures: unknown[] = [];
  const late: number[] = [];
  const core: Core = {
    step:
      step ??
      ((inputs, nowMs) => {
        steps.push({ kinds: inputs.map((input) => input.kind), nowMs });
        return [];
      }),
    pong: () => undefined,
    explainPeople: () => undefined,
    holdsOf: () => undefined,
  };
  const engine = new RoomEngine({
    core,
    tickRateHz: 50,
    clock: () => clock,
    perform: () => {},
    onFailed: (error) => failures.push(error),
    onTick: (_tookMs, lateMs) => late.push(lateMs),
  });
  const advance = (ms: number) => {
    clock += ms;
    vi.advanceTimersByTime(ms);
  };
  return { engine, steps, failures, late, advance, jump: (ms: number) => (clock += ms) };
}

describe("RoomEngine", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate"] }));
  afterEach(() => void vi.useRealTimers());

  it("[RE1] poses wait for the tick, everything else hastens a step, and the order is kept", () => {
    const { engine, steps, advance } = setup();
    engine.start();
    engine.push(pose);
    advance(1);
    expect(steps).toEqual([]);
    engine.push(leave);
    advance(1);
    expect(steps.map((step) => step.kinds)).toEqual([["message", "leave"]]);
    engine.push(pose);
    advance(18);
    expect(steps.at(-1)).toEqual({ kinds: ["message"], nowMs: 20 });
    engine.stop();
  });

  it("[RE1] poses that were not read yet keep their place, and their bytes until the step", () => {
    const seen: unknown[] = [];
    const { engine, advance } = setup((inputs) => {
      for (const input of inputs) seen.push(input.kind === "pose" ? [...input.bytes.subarray(input.at, input.at + input.length)] : input.kind);
      return [];
    });
    engine.start();
    const read = Uint8Array.of(9, 1, 2, 3, 9);
    engine.pose(session, 1000, read, 1, 4);
    read.fill(0);
    engine.pose(session, 1000, read, 0, 1);
    engine.push(leave);
    advance(1);
    expect(seen).toEqual([[1, 2, 3], [0], "leave"]);
    engine.stop();
  });

  it("[TI1] [TI2] deadlines are absolute: a hold-up is one wake-up, and the next deadline is where it always was", () => {
    const { engine, steps, late, advance, jump } = setup();
    engine.start();
    for (let i = 0; i < 5; i++) advance(20);
    expect(steps.map((step) => step.nowMs)).toEqual([20, 40, 60, 80, 100]);
    jump(113);
    advance(20);
    expect(steps.map((step) => step.nowMs).slice(5)).toEqual([233]);
    expect(late.at(-1)).toBe(113);
    advance(7);
    expect(steps.at(-1)?.nowMs).toBe(240);
    engine.stop();
  });

  it("[RE3] a failure ends the engine once", () => {
    const { engine, failures, advance } = setup(() => {
      throw new Error("invariant broken: test");
    });
    engine.start();
    engine.push(leave);
    advance(100);
    engine.push(leave);
    advance(100);
    expect(failures.length).toBe(1);
  });
});
