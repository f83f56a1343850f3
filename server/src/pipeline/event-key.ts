/**
 * What makes two events the same subject, and which answer belongs to which question.
 *
 * [EK1] One key per subject of a scene: a newer version of a text supersedes, a search is its own.
 *       Parts are identifiers or numbers, so `/` separates.
 */
import type { PipelineEvent } from "../core/types.ts";
import type { LedgerEvent } from "./object-ledger.ts";
import type { PipelineAnswer } from "./types.ts";

/** Everything that waits in a queue; objects wait in the ledger. */
export type RequestEvent = Exclude<PipelineEvent, LedgerEvent>;

export const isLedgerEvent = (event: PipelineEvent): event is LedgerEvent => event.kind === "object" || event.kind === "objectGone";

export function keyOf(scene: string, event: PipelineEvent): string {
  switch (event.kind) {
    case "object":
    case "objectGone":
      return `${scene}/object/${event.object}`;
    case "search":
      return `${scene}/search/${event.session}/${event.ref}`;
    case "text":
      return subjectKey(scene, event.subject);
  }
}

/** A search has none: a repeated `ref` replaces the question. */
export const versionOf = (event: PipelineEvent): number => (event.kind === "search" ? 0 : event.version);

/** How an outcome names an event that was given up. */
export const epitaph = (why: string, scene: string, event: PipelineEvent) => ({ why, key: keyOf(scene, event), version: versionOf(event) });

/** The object an event's key names, if it names one. */
export const objectOf = (scene: string, key: string): string | undefined =>
  key.startsWith(`${scene}/object/`) ? key.slice(`${scene}/object/`.length) : undefined;

export function answerKey(scene: string, answer: PipelineAnswer): string {
  return answer.kind === "searched" ? `${scene}/search/${answer.session}/${answer.ref}` : subjectKey(scene, answer.subject);
}

/** Of a text that was superseded while the worker had it, only the newest version is answered. */
export const isAnswerTo = (answer: PipelineAnswer, event: PipelineEvent): boolean =>
  answer.kind !== "verdict" || (event.kind === "text" && event.version === answer.version);

/** Who used up the quota for it. */
export const ownerOf = (event: RequestEvent): string => (event.kind === "search" ? event.session : event.user);

type Subject = Extract<PipelineEvent, { kind: "text" }>["subject"];
const subjectKey = (scene: string, subject: Subject): string =>
  subject.kind === "chat" ? `${scene}/chat/${subject.id}` : `${scene}/field/${subject.object}/${subject.field}`;
