/**
 * What a model says about itself: manifest.json beside its files. A model is data with a version; every decision made with it records both.
 *
 * [MM1] Everything read from disk is listed here with its size and sha256; nothing else is read, and no path leaves the model's folder.
 */
import { z } from "zod";

/** A file's name inside the folder: no separators, no leading dot. */
const fileName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, "a plain file name");
const listed = z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().positive() });
const tensor = z.strictObject({ type: z.enum(["int32", "int64", "float32"]), shape: z.array(z.union([z.string(), z.int().positive()])).max(4) });
const probability = z.number().min(0).max(1);

const common = {
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  /** The ONNX file's. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  model: fileName,
  files: z.record(fileName, listed),
  schema: z.strictObject({ inputs: z.record(z.string(), tensor), outputs: z.record(z.string(), tensor) }),
  /** Figures of the card, by name. */
  metrics: z.record(z.string(), z.number()),
  runtime: z.strictObject({ onnxruntime: z.string(), opset: z.int() }),
  minimumDevice: z.strictObject({ memoryMb: z.number().positive(), note: z.string().optional() }),
  licence: z.string(),
  /** BCP 47. Texts in other languages are judged by the lexicon's and the letters' luck. */
  languages: z.array(z.string()).min(1),
};

const textHeads = z.strictObject({
  ...common,
  kind: z.literal("text-heads"),
  /** Names of the output's columns, in order. */
  heads: z.array(z.string()).min(1).max(32),
  /** A head at or above its threshold flags the text, where the scene sets none of its own. */
  thresholds: z.record(z.string(), probability),
  /** How texts become numbers. `tables`: two int8 tables, `rows` x `width` for the net and `buckets` x (heads + 1) for the words (text/sums.ts). */
  features: z.strictObject({
    kind: z.literal("hashed-words-2"),
    buckets: z.int(),
    row: z.int(),
    vocabulary: fileName,
    tables: fileName,
    rows: z.int().positive(),
    width: z.int().min(1).max(1024),
  }),
  golden: fileName,
});

const sentence = z.strictObject({
  ...common,
  kind: z.literal("sentence"),
  tokenizer: z.strictObject({ file: fileName, maxTokens: z.int().min(4).max(512), lowercase: z.boolean() }),
  /** How token vectors become one: the mean over the mask, the first token's, or none where the output is the sentence's already. */
  pooling: z.enum(["mean", "first", "none"]),
  dimensions: z.int().min(1).max(4096),
  golden: fileName.optional(),
});

const manifest = z.discriminatedUnion("kind", [textHeads, sentence]);

export type TextHeadsManifest = z.infer<typeof textHeads>;
export type SentenceManifest = z.infer<typeof sentence>;
export type ModelManifest = z.infer<typeof manifest>;

/** The manifest in `json`, or a sentence about the first thing wrong with it. */
export function parseManifest(
  json: string,
): { readonly ok: true; readonly manifest: ModelManifest } | { readonly ok: false; readonly reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { ok: false, reason: "manifest.json is not JSON" };
  }
  const parsed = manifest.safeParse(value);
  if (parsed.success) return { ok: true, manifest: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, reason: `manifest.json: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown trouble"}` };
}
