/**
 * The side pipeline's face to the room: a bounded, coalescing queue in, messages out. The tick never waits for it.
 *
 * [PI1] `offer` never blocks and never throws; when full, the oldest superseded event goes first, and drops are counted.
 * [PI2] At-least-once, idempotent by (subject, version).
 * [PI3] With the worker dead, `search` is answered in the room's process from the last lexical index with `degraded: true`,
 *       and texts are judged by the lexicon alone.
 */
import type { PipelineEvent, SceneDescription, SearchHit, TextSubject } from "../core/types.ts";

export type PipelineMode = "process" | "thread" | "redis" | "inline";

/** What a text was judged by, for the record: never a word of the text. */
export type JudgedBy = {
  readonly model: string;
  readonly version: string;
  /** What flagged it: `insult 0.93 >= 0.7`, `lexicon: slur`. */
  readonly why: readonly string[];
  /** Those in force for it, the model's own and the space's. */
  readonly thresholds: Readonly<Record<string, number>>;
};

export type PipelineAnswer =
  | {
      readonly kind: "verdict";
      readonly subject: TextSubject;
      readonly version: number;
      readonly hide: boolean;
      readonly reason: string;
      readonly by: JudgedBy;
    }
  | {
      readonly kind: "searched";
      readonly session: string;
      readonly ref: number;
      readonly degraded: boolean;
      readonly hits: readonly SearchHit[];
      readonly count?: number | undefined;
      readonly description?: SceneDescription | undefined;
    };

export type PipelineHealth = {
  readonly state: "ready" | "starting" | "degraded";
  /** Where the consumers run. */
  readonly mode: PipelineMode;
  /** Events that wait or are being handled. */
  readonly queued: number;
  /** Events nobody will handle: over every bound. */
  readonly dropped: number;
  /** Events that a newer version of the same subject replaced while they waited. */
  readonly coalesced: number;
  /** Events given up because handling them failed again and again. */
  readonly dead: number;
  /** Events sent again because a worker was lost or did not answer. */
  readonly resent: number;
  /** Answers of the reduced form, in the room's process. */
  readonly degradedAnswers: number;
  /** Process ids of the workers that are processes of this server's. */
  readonly workers: readonly number[];
  /** Workers lost and replaced. */
  readonly restarts: number;
  /** Age of the oldest waiting event. */
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
