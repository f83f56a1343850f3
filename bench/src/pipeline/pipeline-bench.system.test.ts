/** The pipeline's bench, tiny, so that it cannot rot; what it says about losses is judged here too. */
import type { Pipeline, PipelineAnswer } from "@copresence/server/pipeline";
import { describe, expect, it } from "vitest";
import { Answered, labelOf } from "./kills.ts";
import { pipelineBench, type Scale } from "./suite.ts";

const TINY: Scale = {
  over: ["process"],
  chat: { rooms: 2, people: 4, linesPerSecond: 20, warmMs: 100, measureMs: 500 },
  memory: { objects: 500, texts: 50 },
  isolation: { troubles: ["flooded"], rooms: 2, people: 3, rounds: 2, troubleMs: 200, idleMs: 200, settleMs: 50 },
  kills: { seconds: 2, everyMs: 700, perSecond: 300, objects: 300, workers: 2, stallEveryMs: 1500 },
};

describe("the pipeline bench", () => {
  it("loses nothing and doubles nothing while workers are killed, and measures what it says", async () => {
    const { figures } = await pipelineBench({ traces: undefined, network: undefined, dump: undefined }, () => undefined, TINY);
    const value = (id: string): number => figures.find((figure) => figure.id === `pipeline.${id}`)?.value ?? Number.NaN;
    for (const prefix of ["", "process_"]) {
      expect([value(`${prefix}lost`), value(`${prefix}duplicates`)]).toEqual([0, 0]);
      expect(value(`${prefix}kills`)).toBeGreaterThan(0);
      expect(value(`${prefix}events`)).toBeGreaterThan(1000);
    }
    expect(value("chat_missing")).toBe(0);
    expect(value("chat_lines")).toBeGreaterThan(0);
    expect(value("chat_ms_p99")).toBeGreaterThan(0);
    expect(value("worker_mb")).toBeGreaterThan(10);
    for (const id of ["idle_p99", "control_p99_ratio", "flooded_p99", "flooded_end_p99_ratio", "p99_ratio"])
      expect(value(`tick_${id}`)).toBeGreaterThan(0);
    expect(figures.every(({ value: number }) => Number.isFinite(number))).toBe(true);
  });

  it("notices a loss and a double", async () => {
    const listeners: ((answer: PipelineAnswer) => void)[] = [];
    const forgetful: Pick<Pipeline, "offer" | "onAnswer"> = {
      onAnswer: (_, listener) => {
        listeners.push(listener);
        return () => undefined;
      },
      offer: (_, event) => {
        if (event.kind !== "search") return;
        const hit = (version: number) => ({ object: "o1", label: labelOf(1, version), score: 1, position: [0, 0, 0], why: "" });
        const hits = [[], [hit(5), hit(4)], [hit(4)], []][event.ref] ?? [];
        for (const tell of listeners) tell({ kind: "searched", session: event.session, ref: event.ref, degraded: false, hits });
      },
    };
    const answered = new Answered(forgetful);
    const by = { model: "none", version: "0", why: [], thresholds: {} };
    for (const id of [0, 0, 2]) listeners[0]?.({ kind: "verdict", subject: { kind: "chat", id }, version: 1, hide: false, reason: "", by });
    expect(answered.verdicts(3)).toEqual({ missing: 1, twice: 1 });
    const one = { object: 1, version: 5 };
    expect(await answered.findAll([one])).toEqual({ missing: 0, wrong: 1 });
    expect(await answered.findAll([one])).toEqual({ missing: 1, wrong: 1 });
    expect(await answered.findAll([one])).toEqual({ missing: 1, wrong: 0 });
    expect(await answered.findAll([{ object: 1, version: -5 }])).toEqual({ missing: 0, wrong: 0 });
  });
});
