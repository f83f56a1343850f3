/**
 * The port between the room's side of the pipeline and whoever runs its consumers: a thread, a child process, or workers behind Redis.
 *
 * [CA1] Nothing here blocks, throws or answers from inside a call; a carrier in trouble reports parts as down and takes nothing.
 * [CA2] What is sent is handled at least once or reported as dead, unless its part goes down or comes up anew: then whoever sent it sends it again.
 * [CA3] An event whose handling brings workers down, or fails, is tried `MAX_TRIES` times, from the second on by itself, and is then dead:
 *       its neighbours are handled.
 * [CA4] Scenes are spread over `parts`; one worker at a time serves a part, and a new one knows nothing of it.
 */
import type { PipelineEvent } from "../core/types.ts";
import type { PipelineAnswer } from "./types.ts";

export type Envelope = {
  /** Unique within the sender. */
  readonly id: number;
  readonly scene: string;
  readonly event: PipelineEvent;
  /** For how long it is worth handling; undefined: until it is done. */
  readonly ttlMs: number | undefined;
};

/** What became of an event: answered, handled without an answer (or too late to be worth one), or given up. */
export type Outcome = {
  readonly id: number;
  readonly scene: string;
  readonly answer?: PipelineAnswer | undefined;
  /** Why it was given up, without any of its text, and which it was: the flight may have been given up before it. */
  readonly dead?: { readonly why: string; readonly key: string; readonly version: number } | undefined;
};

/** What a worker said about its models before it served. */
export type RuntimeReport = { readonly ok: boolean; /** For /readyz and logs: the version, or why there is none. */ readonly sentence: string };

export type CarrierEvents = {
  /** A worker that knows nothing yet serves the part. */
  readonly onUp: (part: number, runtime: RuntimeReport) => void;
  /** Nobody serves the part. */
  readonly onDown: (part: number, sentence: string) => void;
  readonly onDone: (part: number, outcomes: readonly Outcome[]) => void;
  /** Sentences for the log. */
  readonly onLog: (sentence: string) => void;
};

export type Room = { readonly objects: number; readonly requests: number };
export const NO_ROOM: Room = { objects: 0, requests: 0 };

export type Carrier = {
  readonly parts: number;
  partOf(scene: string): number;
  /** How many more events the part takes now. */
  room(part: number): Room;
  send(part: number, items: readonly Envelope[]): void;
  /** The sender sends these again under other ids: they take up no room any more. */
  abandon(part: number, ids: readonly number[]): void;
  /** The scene is closed; its index may go. */
  forget(scene: string): void;
  /** Workers that were lost and replaced since the start. */
  readonly restarts: number;
  /** Process ids of workers that are children of this process. */
  readonly pids: readonly number[];
  close(): Promise<void>;
};

export type OpenCarrier = (events: CarrierEvents) => Carrier;

/** How often an event may bring down whoever handles it. */
export const MAX_TRIES = 3;
