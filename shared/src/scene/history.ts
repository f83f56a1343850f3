/** What is told of a scene's past: the same in the room, on the wire and in the SDK. */

/** Consecutive edits of one person to one object; times are wall clock, ms. `fields` may leave some out. */
export type HistoryEntry = {
  readonly user: string;
  readonly object: string;
  readonly kind: "created" | "changed" | "deleted";
  readonly fields: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly edits: number;
};
