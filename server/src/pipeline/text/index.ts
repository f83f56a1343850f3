/** Text moderation (INFERENCE.md): `openModerator()` in a worker, `TextModerator.judge(text, thresholds)` from then on. */
export { installModel, judgeWith, MAX_TEXT_MODEL_BYTES, openModerator, TEXT_MODEL_FOLDER } from "./default-moderator.ts";
export { type Judgement, TextModerator, type Thresholds } from "./moderator.ts";
