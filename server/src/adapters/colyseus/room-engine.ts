/**
 * Drives one core: collects inputs, decides when to step, hands the effects on.
 *
 * [RE1] Inputs reach the core in the order they arrived. Poses and frame skips wait for the tick; everything else hastens a step, so an
 *       edit's acknowledgement does not wait for one.
 * [RE2] One step at a time; effects are carried out before the next step, because frame effects are views into the core's buffer.
 * [RE3] An exception in the core or in carrying out an effect ends this room (`onFailed`, once) and no other.
 */
import type { SessionId } from "@copresence/shared/base";
import { type PersonExplanation, PoseInbox } from "../../core/index.ts";
import type { CoreEffect, CoreInput } from "../../core/types.ts";
import { TickLoop } from "./tick-loop.ts";

/** What the engine needs of `SceneCore`. */
export type Core = {
  step(inputs: readonly CoreInput[], nowMs: number): readonly CoreEffect[];
  pong(session: SessionId, clientTimeMs: number, nowMs: number): Uint8Array | undefined;
  explainPeople(viewer: string, source?: string): readonly PersonExplanation[] | undefined;
  holdsOf(user: string): readonly string[] | undefined;
};

export type RoomEngineOptions = {
  readonly core: Core;
  readonly tickRateHz: number;
  /** Monotonic milliseconds; room time starts at 0 when the engine is made. */
  readonly clock: () => number;
  readonly perform: (effects: readonly CoreEffect[]) => void;
  readonly onFailed: (error: unknown) => void;
  /** Duration of a step that ran on a tick deadline, and how late it began. */
  readonly onTick: (tookMs: number, lateMs: number) => void;
};

export class RoomEngine {
  private readonly options: RoomEngineOptions;
  private readonly startedMs: number;
  private readonly loop: TickLoop;
  private inbox: CoreInput[] = [];
  private readonly poses = new PoseInbox();
  private hastened: NodeJS.Immediate | undefined;
  private stopped = false;

  constructor(options: RoomEngineOptions) {
    this.options = options;
    this.startedMs = options.clock();
    this.loop = new TickLoop({ tickRateHz: options.tickRateHz, now: () => this.nowMs(), run: (lateMs) => this.tick(lateMs) });
  }

  start(): void {
    this.loop.start();
  }

  /** Room time. */
  nowMs(): number {
    return this.options.clock() - this.startedMs;
  }

  push(input: CoreInput): void {
    if (this.stopped) return;
    this.inbox.push(input);
    if (waitsForTick(input)) return;
    this.hastened ??= setImmediate(() => {
      this.hastened = undefined;
      this.step();
    });
  }

  /** The fields of a pose message, bytes[from..end), copied: the caller may use its memory again. `clockMs`: when it came, by the engine's clock. */
  pose(session: SessionId, clockMs: number, bytes: Uint8Array, from: number, end: number): void {
    if (!this.stopped) this.inbox.push(this.poses.take(session, clockMs - this.startedMs, bytes, from, end));
  }

  /** The answer to a clock probe, made at once. */
  pong(session: SessionId, clientTimeMs: number): Uint8Array | undefined {
    return this.stopped ? undefined : this.options.core.pong(session, clientTimeMs, this.nowMs());
  }

  /** Why a viewer gets of others what it gets; reads, and changes nothing. */
  explainPeople(viewer: string, source?: string): readonly PersonExplanation[] | undefined {
    return this.stopped ? undefined : this.options.core.explainPeople(viewer, source);
  }

  /** What a person holds; undefined when they are not here. */
  holdsOf(user: string): readonly string[] | undefined {
    return this.stopped ? undefined : this.options.core.holdsOf(user);
  }

  /** Steps now with what is there. */
  step(): void {
    if (this.stopped) return;
    const inputs = this.inbox;
    this.inbox = [];
    try {
      const effects = this.options.core.step(inputs, this.nowMs());
      this.poses.clear();
      this.options.perform(effects);
    } catch (error) {
      this.stop();
      this.options.onFailed(error);
    }
  }

  stop(): void {
    this.stopped = true;
    this.loop.stop();
    clearImmediate(this.hastened);
  }

  private tick(lateMs: number): void {
    const before = this.options.clock();
    this.step();
    this.options.onTick(this.options.clock() - before, lateMs);
  }
}

const waitsForTick = (input: CoreInput): boolean =>
  input.kind === "pose" ||
  input.kind === "frameSkipped" ||
  input.kind === "frameQueued" ||
  (input.kind === "message" && input.message.type === "poseUp");
