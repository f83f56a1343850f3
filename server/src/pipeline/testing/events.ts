/** For the pipeline's tests: events with everything filled in, timers that are stepped by hand, and waiting for answers. */
import type { SessionId } from "@copresence/shared/base";
import type { PipelineEvent } from "../../core/types.ts";
import type { Timers } from "../timers.ts";
import type { Pipeline, PipelineAnswer, PipelineHealth } from "../types.ts";

type EventOf<K extends PipelineEvent["kind"]> = Extract<PipelineEvent, { kind: K }>;

export const objectEvent = (object: string, label: string, version = 1): EventOf<"object"> => ({
  kind: "object",
  object,
  version,
  type: "prop",
  label,
  text: "",
  position: [1, 0, -1],
  sizeM: 0.5,
  color: "",
});
export const chatEvent = (id: number, text: string, user = "ada"): EventOf<"text"> => ({
  kind: "text",
  subject: { kind: "chat", id },
  version: 1,
  user,
  text,
});
export const labelEvent = (object: string, version: number, text: string): EventOf<"text"> => ({
  kind: "text",
  subject: { kind: "field", object, field: "label" },
  version,
  user: "ada",
  text,
});
export const searchEvent = (ref: number, text: string, session = "s1"): EventOf<"search"> => ({
  kind: "search",
  session: session as SessionId,
  ref,
  text,
  limit: 10,
  withinM: 0,
  types: [],
  from: null,
});

/** What a quiet pipeline says of itself. */
export const aHealth = (change: Partial<PipelineHealth>): PipelineHealth => ({
  state: "ready",
  mode: "inline",
  queued: 0,
  dropped: 0,
  coalesced: 0,
  dead: 0,
  resent: 0,
  degradedAnswers: 0,
  workers: [],
  restarts: 0,
  lagMs: 0,
  runtime: "none",
  ...change,
});

/** A clock that moves only when told, and runs what is due in order. */
export class SteppedTimers implements Timers {
  private nowMs = 0;
  private waiting: { atMs: number; run: () => void }[] = [];

  now(): number {
    return this.nowMs;
  }
  after(ms: number, run: () => void): () => void {
    const entry = { atMs: this.nowMs + ms, run };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry);
    };
  }
  advance(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      const next = this.waiting.filter(({ atMs }) => atMs <= until).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.waiting = this.waiting.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = until;
  }
}

/** Collects a scene's answers and waits for the one that is wanted. */
export class Answers {
  readonly all: PipelineAnswer[] = [];
  readonly stop: () => void;
  private readonly waiters = new Set<(answer: PipelineAnswer) => void>();

  constructor(pipeline: Pipeline, scene: string) {
    this.stop = pipeline.onAnswer(scene, (answer) => {
      this.all.push(answer);
      for (const check of this.waiters) check(answer);
    });
  }

  until(wanted: (answer: PipelineAnswer) => boolean): Promise<PipelineAnswer> {
    const known = this.all.find(wanted);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      const check = (answer: PipelineAnswer): void => {
        if (!wanted(answer)) return;
        this.waiters.delete(check);
        resolve(answer);
      };
      this.waiters.add(check);
    });
  }
  searched(ref: number): Promise<Extract<PipelineAnswer, { kind: "searched" }>> {
    return this.until((answer) => answer.kind === "searched" && answer.ref === ref) as Promise<Extract<PipelineAnswer, { kind: "searched" }>>;
  }
  chatVerdict(id: number): Promise<Extract<PipelineAnswer, { kind: "verdict" }>> {
    return this.until((answer) => answer.kind === "verdict" && answer.subject.kind === "chat" && answer.subject.id === id) as Promise<
      Extract<PipelineAnswer, { kind: "verdict" }>
    >;
  }
}
