/** The public face of `space.safety`, and what moderation tells. Room frame and units as in space-types.ts. */
import type { ReportReason } from "@copresence/shared/protocol";

/**
 * What moderation did about me; `measure` is what an appeal names, 0 for a warning. Told when it is set, whenever I come in while it holds, and when
 * it is over; `sentence` has the reason and the time that is left.
 */
export type MeasureNotice = {
  readonly measure: number;
  readonly what: "warn" | "bubble" | "mute" | "freeze" | "remove";
  readonly on: boolean;
  readonly sentence: string;
};

/** Decisions of this person about others, by user id. */
export type SafetyDecisions = {
  readonly muted?: Iterable<string> | undefined;
  readonly blocked?: Iterable<string> | undefined;
  readonly friends?: Iterable<string> | undefined;
  /** Metres, 0..2.5; default the server's. */
  readonly boundaryM?: number | undefined;
};

export type ReportOptions = {
  /** Whom it is about, what it is about, or both. */
  readonly user?: string | undefined;
  readonly object?: string | undefined;
  readonly reason: ReportReason;
  /** What happened, in my words; up to 500 bytes are sent. */
  readonly text?: string | undefined;
};

/**
 * What I decide about others; needs no moderator and no model, and the room enforces it by not sending. Held for as long as the session
 * lives: keep `muted`, `blocked`, `friends` in the person's settings and give them to `connect` the next time.
 */
export type Safety = {
  readonly muted: ReadonlySet<string>;
  readonly blocked: ReadonlySet<string>;
  readonly friends: ReadonlySet<string>;
  /** What holds against me, by number; each change is a `measure` event, too. */
  readonly measures: ReadonlyMap<number, MeasureNotice>;
  /** My personal space in metres, 0..2.5: strangers nearer than this are not sent to me, nor I to them. Undefined: the server's default. */
  boundaryM: number | undefined;
  /** I do not get this person's chat. They are not told. */
  mute(user: string, on?: boolean): void;
  /** Neither of us sees or hears the other. They are not told why. */
  block(user: string, on?: boolean): void;
  /** When both say so, the two may come as close as they like. */
  befriend(user: string, on?: boolean): void;
  /** Asks moderators to look. Resolves with the report's number, or undefined when there is no room to take it or it was refused. */
  report(options: ReportOptions): Promise<number | undefined>;
  /** Asks moderators to look again at a measure about me (default: the one that holds). Resolves whether it was passed on. */
  appeal(text: string, measure?: number): Promise<boolean>;
};
