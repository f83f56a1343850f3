/**
 * The pipeline without a thread: the same consumers in slices of the room's thread. For small installations, tests and simulations;
 * there is no model runtime, and nothing to fall back from, so answers are not marked degraded.
 */
import { LIMITS } from "@copresence/shared/protocol";
import type { PipelineEvent } from "../core/types.ts";
import { InProcess } from "./in-process.ts";
import { MAX_OBJECTS } from "./search/index.ts";
import { realTimers, type Timers } from "./timers.ts";
import type { Pipeline, PipelineAnswer, PipelineHealth } from "./types.ts";

export class InlinePipeline implements Pipeline {
  private readonly timers: Timers;
  private readonly work: InProcess;
  private readonly listeners = new Map<string, Set<(answer: PipelineAnswer) => void>>();
  private dropped = 0;

  constructor(options: { readonly timers?: Timers } = {}) {
    this.timers = options.timers ?? realTimers;
    this.work = new InProcess({
      degraded: false,
      // A scene that is loaded brings the texts of all its objects at once.
      capacity: LIMITS.pipelineEvents + MAX_OBJECTS,
      timers: this.timers,
      answer: (scene, answer) => {
        for (const listener of this.listeners.get(scene) ?? []) listener(answer);
      },
    });
  }

  offer(scene: string, event: PipelineEvent): void {
    if (event.kind === "text" || event.kind === "search") {
      if (!this.work.ask(scene, event)) this.dropped++;
      return;
    }
    if (!this.work.isWarm(scene)) this.work.warm(scene, []);
    this.work.change(scene, event);
  }

  onAnswer(scene: string, listener: (answer: PipelineAnswer) => void): () => void {
    const listeners = this.listeners.get(scene) ?? new Set();
    this.listeners.set(scene, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.listeners.get(scene) !== listeners) return;
      this.listeners.delete(scene);
      this.work.forget(scene);
    };
  }

  health(): PipelineHealth {
    const lagMs = Math.round(this.timers.now() - (this.work.oldestMs ?? this.timers.now()));
    return {
      state: "ready",
      mode: "inline",
      queued: this.work.queued,
      dropped: this.dropped + this.work.refused,
      coalesced: this.work.coalesced,
      dead: this.work.failed,
      resent: 0,
      degradedAnswers: 0,
      workers: [],
      restarts: 0,
      lagMs,
      runtime: "none (inline)",
    };
  }

  async close(): Promise<void> {
    this.work.close();
    this.listeners.clear();
  }
}
