/**
 * The text net at work: messages in, one probability per head and message out. Runs on onnxruntime-node and, with the same bytes, in browsers.
 *
 * [TM1] Windows of the same length share a call, at most BATCH of them, so nothing is padded and company never changes an answer.
 * [TM2] A model serves only after its golden vectors came out right, features and probabilities both.
 */
import { fault, type ModelBundle, type Result, textFile } from "../models/bundle.ts";
import type { TextHeadsManifest } from "../models/manifest.ts";
import { firstLine, type InferenceSession, openSession, type Runtime } from "../models/session.ts";
import { BUCKETS, ROW, type Vocabulary, WINDOW, windows } from "./features.ts";
import { type Piece, readTables, SparseHalf } from "./sums.ts";

/** More rows per call are not faster per row (the net is small), only later. */
const BATCH = 16;
/** Float32 sums in another order, and int8 rows rounded once: what differs between PyTorch and onnxruntime is far below. */
const TOLERANCE = 2e-3;

export type Scored = {
  /** `Float32Array[heads]`: the highest of the message's windows, 0..1. */
  readonly scores: Float32Array;
  readonly truncated: boolean;
};
type Golden = {
  readonly text: string;
  readonly windows: number;
  readonly sum: number;
  readonly first: readonly number[];
  readonly scores: readonly number[];
};
type Waiting = Piece & { readonly message: number };

export class TextModel {
  readonly manifest: TextHeadsManifest;
  private readonly sparse: SparseHalf;
  private readonly runtime: Runtime;
  private readonly session: InferenceSession;

  private constructor(manifest: TextHeadsManifest, sparse: SparseHalf, runtime: Runtime, session: InferenceSession) {
    this.manifest = manifest;
    this.sparse = sparse;
    this.runtime = runtime;
    this.session = session;
  }

  /** Never rejects. */
  static async open(runtime: Runtime, bundle: ModelBundle<TextHeadsManifest>, providers: readonly string[] = ["cpu"]): Promise<Result<TextModel>> {
    const { manifest } = bundle;
    const { features } = manifest;
    if (features.buckets !== BUCKETS || features.row !== ROW) {
      return fault("schema", `made for ${features.buckets} buckets and rows of ${features.row}; this server makes ${BUCKETS} and ${ROW}`);
    }
    const tables = readTables(bundle.files.get(features.tables), { rows: features.rows, width: features.width, heads: manifest.heads.length });
    if (tables === undefined) return fault("schema", `${features.tables} is not of the size that its rows, width and heads make`);
    const session = await openSession(runtime, bundle, providers);
    if (!session.ok) return session;
    const vocabulary = readVocabulary(textFile(bundle, features.vocabulary));
    const model = new TextModel(manifest, new SparseHalf(tables, vocabulary), runtime, session.value);
    const trouble = await model.checkGolden(textFile(bundle, manifest.golden), vocabulary);
    if (trouble === undefined) return { ok: true, value: model };
    await model.close();
    return trouble;
  }

  /** One result per text, in order. Any text will do; rejects only if the runtime does. */
  async score(texts: readonly string[]): Promise<Scored[]> {
    const heads = this.manifest.heads.length;
    // Scenes come with many objects of one name: the same text is scored once.
    const places = new Map<string, number>();
    const results: { scores: Float32Array; truncated: boolean }[] = [];
    const waiting: Waiting[] = [];
    for (const text of texts) {
      if (places.has(text)) continue;
      const message = results.length;
      places.set(text, message);
      const { pieces, truncated } = this.sparse.read(text);
      results.push({ scores: new Float32Array(heads), truncated });
      for (const piece of pieces) waiting.push({ message, ...piece });
    }
    waiting.sort((a, b) => a.tokens.length - b.tokens.length);
    for (let at = 0, end = 0; at < waiting.length; at = end) {
      const length = waiting[at]?.tokens.length;
      while (end < waiting.length && end - at < BATCH && waiting[end]?.tokens.length === length) end++;
      const batch = waiting.slice(at, end);
      const out = await this.run(batch);
      batch.forEach(({ message }, row) => {
        const scores = results[message]?.scores;
        if (scores === undefined) return;
        for (let head = 0; head < heads; head++) scores[head] = Math.max(scores[head] ?? 0, out[row * heads + head] ?? 0);
      });
    }
    return texts.map((text) => results[places.get(text) ?? 0] ?? { scores: new Float32Array(heads), truncated: false });
  }

  /** Runs one message of each length that occurs, so that the first real one is not the slow one. */
  async warmUp(): Promise<void> {
    for (const length of [1, 8, WINDOW]) await this.score(["warm ".repeat(length)]);
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private async run(batch: readonly Piece[]): Promise<Float32Array> {
    const { depth } = this.sparse;
    const heads = this.manifest.heads.length;
    const length = batch[0]?.tokens.length ?? 0;
    // [messages, depth, tokens]: the graph begins with a convolution, which reads channel by channel.
    const tokens = new Float32Array(batch.length * depth * length);
    const words = new Float32Array(batch.length * heads);
    batch.forEach((piece, row) => {
      words.set(piece.words, row * heads);
      piece.tokens.forEach((vector, token) => {
        for (let i = 0, at = row * depth * length + token; i < depth; i++, at += length) tokens[at] = vector[i] ?? 0;
      });
    });
    const { Tensor } = this.runtime;
    const { scores } = await this.session.run({
      tokens: new Tensor("float32", tokens, [batch.length, depth, length]),
      words: new Tensor("float32", words, [batch.length, heads]),
    });
    if (!(scores?.data instanceof Float32Array) || scores.data.length !== batch.length * heads) {
      throw new Error("the model's output is not float32[messages, heads]");
    }
    return scores.data;
  }

  private async checkGolden(json: string, vocabulary: Vocabulary): Promise<ReturnType<typeof fault> | undefined> {
    try {
      const golden = JSON.parse(json) as readonly Golden[];
      if (golden.length === 0) return fault("golden", "there are no golden vectors");
      for (const [at, expected] of golden.entries()) {
        const made = windows(expected.text, vocabulary).ids;
        const sum = made.reduce((total, window) => total + window.reduce((a, b) => a + b, 0), 0);
        const first = made[0]?.subarray(0, ROW) ?? [];
        if (made.length !== expected.windows || sum !== expected.sum || expected.first.some((id, i) => id !== first[i])) {
          return fault("golden", `golden text ${at}: the features are not those of the training`);
        }
      }
      const scored = await this.score(golden.map(({ text }) => text));
      for (const [at, { scores }] of golden.entries()) {
        const wrong = scores.findIndex((score, head) => !(Math.abs(score - (scored[at]?.scores[head] ?? Number.NaN)) <= TOLERANCE));
        if (wrong >= 0)
          return fault(
            "golden",
            `golden text ${at}: head ${this.manifest.heads[wrong] ?? wrong} is ${scored[at]?.scores[wrong]}, not ${scores[wrong]}`,
          );
      }
      return undefined;
    } catch (error) {
      return fault("schema", firstLine(error));
    }
  }
}

function readVocabulary(tsv: string): Vocabulary {
  const words = new Map<string, number>();
  for (const line of tsv.split("\n")) {
    const [word, cost] = line.split("\t");
    if (word !== undefined && word !== "" && cost !== undefined) words.set(word, Number(cost));
  }
  return words;
}
