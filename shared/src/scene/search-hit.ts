/** What a search finds: the same in the pipeline, in the room, on the wire and in the SDK. */

/** `score` 0..1 within its answer, `position` in metres in the room's frame, `why` a sentence for people. */
export type SearchHit = {
  readonly object: string;
  readonly score: number;
  readonly position: readonly number[];
  readonly label: string;
  readonly why: string;
};
