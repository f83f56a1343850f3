/** What the person is told, in sentences. One table for refusals, so that a reason code never reaches the screen. */
import type { DeniedNotice, GrabResult, MergeReport } from "@copresence/client";

const REFUSALS: Readonly<Record<string, string>> = {
  "not-allowed": "Your role does not allow that here.",
  "unknown-object": "That object is not there any more.",
  "held-by-other": "Somebody else is holding that.",
  "too-many-held": "Your hands are full: let go of something first.",
  "too-far": "That is too far away to reach.",
  "not-holder": "You are not holding that any more.",
  "lease-expired": "You lost your grip because nothing was heard from you for a while.",
  "lost-race": "Somebody else was quicker; your change was taken back.",
  "read-only": "The space is read-only while the server cannot save. Nothing is lost.",
  "text-hidden": "Moderation has hidden your text from others. You can change it.",
  "too-large": "That is too long to be sent.",
  "too-many": "That was too much at once. Wait a moment and try again.",
  "server-only": "Only the server may change that.",
  "out-of-bounds": "That lies outside the space.",
  offline: "You are offline at the moment, so nobody can confirm that.",
};

export const deniedSentence = (notice: DeniedNotice): string =>
  REFUSALS[notice.reason] ?? (notice.sentence === "" ? "The room refused that change." : notice.sentence);

export const refusedSentence = (result: Extract<GrabResult, { granted: false }>, holderName: string | undefined): string =>
  result.reason === "held-by-other" && holderName !== undefined
    ? `${holderName} is holding that.`
    : (REFUSALS[result.reason] ?? "The room refused that.");

/** What became of what was changed offline; "" where nothing was lost and nothing needs saying. */
export function mergedSentence({ edits, saved }: MergeReport): string {
  const refused = edits.length - saved;
  const changes = (count: number): string => (count === 1 ? "1 change" : `${count} changes`);
  if (refused === 0) return `${changes(saved)} you made offline ${saved === 1 ? "is" : "are"} saved.`;
  const why = edits.find(({ outcome }) => outcome !== "saved");
  const reason = why === undefined ? "" : (REFUSALS[why.outcome] ?? why.sentence);
  return `Of what you changed offline, ${changes(saved)} ${saved === 1 ? "is" : "are"} saved and ${changes(refused)} came back: ${reason}`;
}

const FIRST = [
  "Amber",
  "Brisk",
  "Calm",
  "Clever",
  "Golden",
  "Kind",
  "Lunar",
  "Merry",
  "Nimble",
  "Quiet",
  "Rapid",
  "Silver",
  "Sunny",
  "Velvet",
  "Vivid",
];
const SECOND = ["Badger", "Crane", "Falcon", "Finch", "Fox", "Heron", "Ibex", "Lynx", "Marten", "Otter", "Owl", "Panda", "Robin", "Seal", "Wren"];

/** A friendly name for somebody who does not want to think of one. */
export function randomName(random: () => number = Math.random): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] as string;
  return `${pick(FIRST)} ${pick(SECOND)}`;
}
