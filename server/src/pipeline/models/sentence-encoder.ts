/**
 * A sentence transformer somebody brings: an ONNX encoder, its tokenizer.json and a manifest of kind `sentence`. Texts in, unit vectors out.
 *
 * [SE1] Texts of similar length share a call of at most BATCH; padding is masked and never changes a vector.
 * [SE2] Where the manifest names golden vectors they must come out before the model serves; where it names none, the output's shape must.
 */
import { fault, type ModelBundle, type Result, textFile } from "./bundle.ts";
import type { SentenceManifest } from "./manifest.ts";
import { readBundle } from "./read-bundle.ts";
import { firstLine, type InferenceSession, openSession, type Runtime } from "./session.ts";
import { WordPiece } from "./word-piece.ts";

const BATCH = 16;
const TOLERANCE = 2e-3;
const INPUTS = ["input_ids", "attention_mask", "token_type_ids"];

type Golden = { readonly text: string; readonly ids: readonly number[]; readonly vector: readonly number[] };

export class SentenceEncoder {
  readonly manifest: SentenceManifest;
  private readonly tokenizer: WordPiece;
  private readonly runtime: Runtime;
  private readonly session: InferenceSession;

  private constructor(manifest: SentenceManifest, tokenizer: WordPiece, runtime: Runtime, session: InferenceSession) {
    this.manifest = manifest;
    this.tokenizer = tokenizer;
    this.runtime = runtime;
    this.session = session;
  }

  /** The model in `folder`, read, checked and tried. Never rejects. */
  static async load(runtime: Runtime, folder: string, options: { readonly maxBytes?: number } = {}): Promise<Result<SentenceEncoder>> {
    const bundle = await readBundle(folder, { kind: "sentence", ...options });
    return bundle.ok ? await SentenceEncoder.open(runtime, bundle.value) : bundle;
  }

  static async open(
    runtime: Runtime,
    bundle: ModelBundle<SentenceManifest>,
    providers: readonly string[] = ["cpu"],
  ): Promise<Result<SentenceEncoder>> {
    const { manifest } = bundle;
    const strange = Object.keys(manifest.schema.inputs).find((name) => !INPUTS.includes(name));
    if (strange !== undefined) return fault("schema", `input "${strange}" is none of ${INPUTS.join(", ")}`);
    const tokenizer = WordPiece.parse(textFile(bundle, manifest.tokenizer.file), manifest.tokenizer.lowercase);
    if (!tokenizer.ok) return tokenizer;
    const session = await openSession(runtime, bundle, providers);
    if (!session.ok) return session;
    const encoder = new SentenceEncoder(manifest, tokenizer.value, runtime, session.value);
    const trouble = await encoder.check(manifest.golden === undefined ? undefined : textFile(bundle, manifest.golden));
    if (trouble === undefined) return { ok: true, value: encoder };
    await encoder.close();
    return trouble;
  }

  /** One unit vector `Float32Array[dimensions]` per text, in order. Long texts are cut at the manifest's maxTokens. */
  async embed(texts: readonly string[]): Promise<Float32Array[]> {
    const rows = texts.map((text, at) => ({ at, ids: this.tokenizer.encode(text, this.manifest.tokenizer.maxTokens) }));
    rows.sort((a, b) => a.ids.length - b.ids.length);
    const vectors: Float32Array[] = [];
    for (let from = 0; from < rows.length; from += BATCH) {
      const batch = rows.slice(from, from + BATCH);
      const made = await this.run(batch.map(({ ids }) => ids));
      batch.forEach(({ at }, i) => (vectors[at] = made[i] ?? new Float32Array(this.manifest.dimensions)));
    }
    return vectors;
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private async run(batch: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const longest = Math.max(...batch.map((ids) => ids.length));
    const fill = (value: (id: number) => number): BigInt64Array => {
      const cells = new BigInt64Array(batch.length * longest);
      batch.forEach((ids, row) => ids.forEach((id, i) => (cells[row * longest + i] = BigInt(value(id)))));
      return cells;
    };
    const all: Record<string, BigInt64Array> = { input_ids: fill((id) => id), attention_mask: fill(() => 1), token_type_ids: fill(() => 0) };
    const feeds = Object.fromEntries(
      this.session.inputNames.map((name) => [name, new this.runtime.Tensor("int64", all[name] ?? new BigInt64Array(), [batch.length, longest])]),
    );
    const [name = ""] = Object.keys(this.manifest.schema.outputs);
    const output = (await this.session.run(feeds))[name];
    const { dimensions, pooling } = this.manifest;
    const perText = pooling === "none" ? dimensions : longest * dimensions;
    if (!(output?.data instanceof Float32Array) || output.data.length !== batch.length * perText) {
      throw new Error(`output ${name} is not float32[texts, ${pooling === "none" ? "" : "tokens, "}${dimensions}]`);
    }
    const { data } = output;
    return batch.map((ids, row) => unit(pool(data.subarray(row * perText, (row + 1) * perText), pooling === "mean" ? ids.length : 1, dimensions)));
  }

  private async check(golden: string | undefined): Promise<ReturnType<typeof fault> | undefined> {
    try {
      const cases = golden === undefined ? [] : (JSON.parse(golden) as readonly Golden[]);
      for (const [at, { text, ids }] of cases.entries()) {
        if (this.tokenizer.encode(text, this.manifest.tokenizer.maxTokens).join() !== ids.join())
          return fault("golden", `golden text ${at}: other tokens`);
      }
      const vectors = await this.embed(["warm up", ...cases.map(({ text }) => text)]);
      for (const [at, { vector }] of cases.entries()) {
        const made = vectors[at + 1];
        if (vector.some((value, i) => !(Math.abs(value - (made?.[i] ?? Number.NaN)) <= TOLERANCE)))
          return fault("golden", `golden text ${at}: another vector`);
      }
      return undefined;
    } catch (error) {
      return fault("schema", firstLine(error));
    }
  }
}

/** The mean of the first `count` rows of `dimensions` values. */
function pool(rows: Float32Array, count: number, dimensions: number): Float32Array {
  const sum = new Float32Array(dimensions);
  for (let at = 0; at < count * dimensions; at++) sum[at % dimensions] = (sum[at % dimensions] ?? 0) + (rows[at] ?? 0) / count;
  return sum;
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length > 0 ? vector.map((value) => value / length) : vector;
}
