/**
 * The side pipeline's face to the room: a bounded, coalescing queue in, messages out. The tick never waits for it.
 *
 * [PI1] `offer` never blocks and never throws; when full, the oldest superseded event goes first, and drops are counted.
 * [PI2] At-least-once, idempotent by (subject, version).
 * [PI3] With the worker dead, `search` is answered in the room's process from the last lexical index with `degraded: true`,
 *       and texts are judged by the lexicon alone.
 */
import type { PipelineEvent, SceneDescription, SearchHit, TextSubject } from "../core/types.ts";

export type PipelineAnswer =
  | { readonly kind: "verdict"; readonly subject: TextSubject; readonly version: number; readonly hide: boolean; readonly reason: string }
  | {
      readonly kind: "searched";
      readonly session: string;
      readonly ref: number;
      readonly degraded: boolean;
      readonly hits: readonly SearchHit[];
      readonly count?: number;
      readonly description?: SceneDescription;
    };

export type PipelineHealth = {
  readonly state: "ready" | "starting" | "degraded";
  readonly queued: number;
  readonly dropped: number;
  readonly lagMs: number;
  readonly runtime: string;
};

export type Pipeline = {
  /** Hands an event of one scene to the pipeline. */
  offer(scene: string, event: PipelineEvent): void;
  /** Answers for one scene, in any order; the listener must be quick. */
  onAnswer(scene: string, listener: (answer: PipelineAnswer) => void): () => void;
  health(): PipelineHealth;
  close(): Promise<void>;
};
