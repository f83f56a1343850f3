/** The moderator as the worker uses it: the model that comes with the server, or one given by folder. Import this in a worker only: native code. */
import { fileURLToPath } from "node:url";
import type { ModelFault } from "../models/bundle.ts";
import { readBundle } from "../models/read-bundle.ts";
import { type JudgedText, TextModerator, type TextJudgement, verdictOf } from "./moderator.ts";
import { TextModel } from "./text-model.ts";

export const TEXT_MODEL_FOLDER = fileURLToPath(new URL("../models/text-en/", import.meta.url));
/** The default model's share of the 6 MB all default models may have. */
export const MAX_TEXT_MODEL_BYTES = 2_300_000;

export type OpenedModerator = {
  readonly moderator: TextModerator;
  /** Why there is no model, when there is none; the lexicon judges then. */
  readonly fault: ModelFault | undefined;
};

/** Never rejects: whatever is wrong with the model, there is a moderator. */
export async function openModerator(options: { readonly folder?: string; readonly maxBytes?: number } = {}): Promise<OpenedModerator> {
  const moderator = new TextModerator();
  const fault = await installModel(moderator, options);
  return { moderator, fault };
}

/** Loads, proves and warms a model and puts it in charge; on any trouble the one in charge stays [MB2]. */
export async function installModel(
  moderator: TextModerator,
  options: { readonly folder?: string; readonly maxBytes?: number } = {},
): Promise<ModelFault | undefined> {
  const bundle = await readBundle(options.folder ?? TEXT_MODEL_FOLDER, { kind: "text-heads", maxBytes: options.maxBytes ?? MAX_TEXT_MODEL_BYTES });
  if (!bundle.ok) return bundle.fault;
  let runtime: typeof import("onnxruntime-node");
  try {
    runtime = await import("onnxruntime-node");
  } catch (error) {
    return { code: "runtime", message: `onnxruntime-node does not load: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}` };
  }
  const model = await TextModel.open(runtime, bundle.value);
  if (!model.ok) return model.fault;
  await model.value.warmUp();
  await moderator.replace(model.value)?.close();
  return undefined;
}

/** The pipeline's judge: texts in, hide or not, why, and by what. */
export function judgeWith(moderator: TextModerator): (items: readonly JudgedText[]) => Promise<TextJudgement[]> {
  return async (items) => (await moderator.judgeAll(items)).map(verdictOf);
}
