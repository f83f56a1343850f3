/**
 * What every room of this process shares, and where rooms find each other: the seam between Colyseus's global matchmaker and one server.
 *
 * [RH1] At most one room per space lives in this process, and a new one opens only after the last has written everything.
 */
import type { BehaviourModel } from "../../core/behaviour/index.ts";
import type { InitialObject } from "../../core/index.ts";
import type { Alarm, Report } from "../../core/types.ts";
import type { SceneStore } from "../store/scene-store.ts";
import type { Pipeline } from "../../pipeline/types.ts";
import type { Scene } from "@copresence/shared/scene";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Traffic } from "./governor.ts";
import { Greetings } from "./greetings.ts";
import type { HiddenText } from "./judged-texts.ts";
import type { SpaceRoom } from "./space-room.ts";

export type RoomHostOptions = {
  readonly region: string;
  readonly build: string;
  readonly tickRateHz: number;
  /** How long an empty room is kept. */
  readonly lingerMs: number;
  readonly moderation: { readonly failOpen: boolean; readonly holdMs: number };
  readonly sceneOf: (space: string) => Scene | undefined;
  /** What an empty space starts with. */
  readonly initialOf?: (space: string) => readonly InitialObject[] | undefined;
  /** Personal space of who has not chosen their own, m. Default 0: none. */
  readonly boundaryM?: number;
  readonly behaviour?: BehaviourModel | undefined;
  /** Where reports and alarms go; undefined: nowhere. */
  readonly signals?: RoomSignals | undefined;
  /** Text thresholds of a space; empty: the model's own. */
  readonly thresholdsOf?: (space: string) => Readonly<Record<string, number>>;
  readonly store: SceneStore;
  readonly pipeline: Pipeline;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly traffic: Traffic;
  /** Called when somebody is on the way in, and when they are. */
  readonly stir?: () => void;
};

export type RoomSignals = {
  /** Whether moderation keeps this person out of the space. */
  removed(space: string, user: string): boolean;
  opened(space: string): void;
  /** Somebody's session is in the room. */
  joined(space: string, user: string): void;
  report(space: string, report: Report): void;
  alarm(space: string, alarm: Alarm): void;
  textHidden(space: string, hidden: HiddenText): void;
  appeal(space: string, user: string, measure: number, words: string): boolean;
};

export class RoomHost {
  readonly options: RoomHostOptions;
  readonly greetings = new Greetings();
  private readonly open = new Map<string, SpaceRoom>();
  private readonly closing = new Map<string, Promise<void>>();

  constructor(options: RoomHostOptions) {
    this.options = options;
  }

  get rooms(): Iterable<SpaceRoom> {
    return this.open.values();
  }

  /** Connections of both kinds, in all rooms. */
  get sessions(): number {
    let count = 0;
    for (const room of this.open.values()) count += room.sessions;
    return count;
  }

  roomOf(space: string): SpaceRoom | undefined {
    return this.open.get(space);
  }

  /** Spaces a person is in, and what they hold there. */
  whereIs(user: string): readonly { readonly space: string; readonly holds: readonly string[] }[] {
    return [...this.open.values()].flatMap((room) => {
      const holds = room.holdsOf(user);
      return holds === undefined ? [] : [{ space: room.spaceName, holds }];
    });
  }

  forgetPerson(user: string, alias: string): void {
    for (const room of this.open.values()) room.forgetPerson(user, alias);
  }

  /** Waits for the space's last room to finish, then takes its place; false if another room got there first. */
  async claim(space: string, room: SpaceRoom): Promise<boolean> {
    await this.closing.get(space);
    if (this.open.has(space)) return false;
    this.open.set(space, room);
    return true;
  }

  /** Resolves when every room that has ended has written what it had to. */
  async written(): Promise<void> {
    await Promise.allSettled(this.closing.values());
  }

  /** The room takes no more joins; the space is free once `written` settles. */
  release(space: string, room: SpaceRoom, written: Promise<void>): void {
    if (this.open.get(space) !== room) return;
    this.open.delete(space);
    const done = written.finally(() => {
      if (this.closing.get(space) === done) this.closing.delete(space);
    });
    this.closing.set(space, done);
  }
}
