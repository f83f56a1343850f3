import { LIMITS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { createPipeline } from "./index.ts";
import { MAX_OBJECTS } from "./search/index.ts";
import { chatEvent, labelEvent, objectEvent, searchEvent, SteppedTimers } from "./testing/events.ts";
import type { Pipeline, PipelineAnswer } from "./types.ts";

function inline(): { pipeline: Pipeline; timers: SteppedTimers; answers: PipelineAnswer[] } {
  const timers = new SteppedTimers();
  const pipeline = createPipeline({ kind: "inline" }, { timers });
  const answers: PipelineAnswer[] = [];
  pipeline.onAnswer("room", (answer) => answers.push(answer));
  return { pipeline, timers, answers };
}

describe("inline pipeline", () => {
  it("[PI1] never answers from inside offer; answers after the next slice", () => {
    const { pipeline, timers, answers } = inline();
    pipeline.offer("room", objectEvent("v1", "red valve"));
    pipeline.offer("room", chatEvent(1, "you are an idiot"));
    pipeline.offer("room", chatEvent(2, "hello there"));
    pipeline.offer("room", searchEvent(7, "valve"));
    expect(answers).toEqual([]);
    expect(pipeline.health().queued).toBe(4);
    timers.advance(20);
    expect(answers).toMatchObject([
      { kind: "verdict", subject: { kind: "chat", id: 1 }, hide: true, reason: "insult" },
      { kind: "verdict", subject: { kind: "chat", id: 2 }, hide: false, reason: "" },
      { kind: "searched", ref: 7, degraded: false, hits: [{ object: "v1" }] },
    ]);
    expect(pipeline.health()).toMatchObject({ state: "ready", queued: 0, dropped: 0, lagMs: 0 });
  });

  it("names field and version in a label's verdict", () => {
    const { pipeline, timers, answers } = inline();
    pipeline.offer("room", labelEvent("box", 12, "porn"));
    timers.advance(20);
    expect(answers).toMatchObject([
      {
        kind: "verdict",
        by: { model: "lexicon" },
        subject: { kind: "field", object: "box", field: "label" },
        version: 12,
        hide: true,
        reason: "sexual",
      },
    ]);
  });

  it("keeps scenes apart, and forgets a scene with its last listener", () => {
    const { pipeline, timers, answers } = inline();
    const other: PipelineAnswer[] = [];
    const stop = pipeline.onAnswer("other", (answer) => other.push(answer));
    pipeline.offer("other", objectEvent("lamp", "lamp"));
    pipeline.offer("other", searchEvent(1, "lamp"));
    pipeline.offer("room", searchEvent(1, "lamp"));
    timers.advance(20);
    expect(other).toMatchObject([{ hits: [{ object: "lamp" }] }]);
    expect(answers).toMatchObject([{ hits: [] }]);
    stop();
    pipeline.onAnswer("other", (answer) => other.push(answer));
    pipeline.offer("other", searchEvent(2, "lamp"));
    timers.advance(20);
    expect(other[1]).toMatchObject({ ref: 2, hits: [] });
  });

  it("[IP3] counts what it turns away, and is quiet after close", async () => {
    const { pipeline, timers, answers } = inline();
    const capacity = LIMITS.pipelineEvents + MAX_OBJECTS;
    for (let i = 0; i < capacity + 5; i++) pipeline.offer("room", chatEvent(i, "hi"));
    expect(pipeline.health()).toMatchObject({ queued: capacity, dropped: 5 });
    await pipeline.close();
    timers.advance(1000);
    expect(answers).toEqual([]);
  });
});
