/**
 * The sparse half of the text net: hashes choose rows of two int8 tables, and their sums are what the ONNX half reads. People use the same words again
 * and again, so a word's sums are made once; in the graph they were half of all operators. `Served.sums` in server/training/model.py does the same,
 * held together by the golden vectors.
 *
 * [SU1] Bounded: at most twice KEPT runs of at most LONGEST signs are remembered, about a kilobyte each, and no message with them.
 * [SU2] What is remembered never changes an answer.
 */
import { BUCKETS, pairId, pairSeed, points, readMessage, type Token, tokenIds, tokensOf, type Vocabulary, WINDOW, WORDS } from "./features.ts";
import { Recent } from "./recent.ts";

const KEPT = 4096;
const LONGEST = 40;

export type Tables = {
  /** `Int8Array[rows * width]`: what the net knows of a hash; hashes beyond `rows` share them. Row 0 is nothing. */
  readonly net: Int8Array;
  readonly rows: number;
  readonly width: number;
  /** `Int8Array[BUCKETS * (heads + 1)]`: a hash's weight per head, and its square as a measure of how much was said. Row 0 is nothing. */
  readonly words: Int8Array;
  readonly heads: number;
};

/** A token and its part of the input. */
type Known = Token & {
  /** `Float32Array[3 * width]`: the word's row, the squeezed word's, the mean of its n-grams'. */
  readonly vector: Float32Array;
  /** `Int32Array[heads + 1]`: of all its hashes but the one with the word before. */
  readonly words: Int32Array;
  /** For the hash with the word before, and for that of the word after. */
  readonly points: readonly number[];
  readonly seed: number;
};

/** One window of a message. */
export type Piece = { readonly tokens: readonly Float32Array[]; readonly words: Float32Array };

export class SparseHalf {
  readonly depth: number;
  private readonly tables: Tables;
  private readonly vocabulary: Vocabulary;
  private readonly known = new Recent<readonly Known[]>(KEPT);
  private readonly first = pairSeed(undefined);

  constructor(tables: Tables, vocabulary: Vocabulary) {
    this.tables = tables;
    this.vocabulary = vocabulary;
    this.depth = 3 * tables.width;
  }

  /** The windows of a message, at least one, with at least one token each. */
  read(text: string): { readonly pieces: readonly Piece[]; readonly truncated: boolean } {
    const { tokens, starts, truncated } = readMessage(text, this.readRun);
    const pieces = starts.map((start) => {
      const end = Math.min(start + WINDOW, tokens.length);
      return { tokens: tokens.slice(start, end).map(({ vector }) => vector), words: this.wordsOf(tokens, start, end) };
    });
    return { pieces, truncated };
  }

  /** `Float32Array[heads]`: weights of everything said from token `from` to before `to`, for its length. */
  private wordsOf(tokens: readonly Known[], from: number, to: number): Float32Array {
    const { heads, words } = this.tables;
    const total = new Int32Array(heads + 1);
    let seed = tokens[from - 1]?.seed ?? this.first;
    for (let at = from; at < to; at++) {
      const token = tokens[at];
      if (token === undefined) continue;
      const pair = pairId(seed, token.points) * (heads + 1);
      for (let i = 0; i <= heads; i++) total[i] = (total[i] ?? 0) + (token.words[i] ?? 0) + (words[pair + i] ?? 0);
      ({ seed } = token);
    }
    const length = Math.sqrt(Math.max(1, total[heads] ?? 0));
    return Float32Array.from(total.subarray(0, heads), (sum) => sum / length);
  }

  private readonly readRun = (run: string): readonly Known[] => {
    if (run.length > LONGEST) return tokensOf(run, this.vocabulary).map((token) => this.make(token));
    const known = this.known.get(run);
    if (known !== undefined) return known;
    // V8 cuts a string by pointing into the whole, which would keep the message that a word was first seen in.
    const own = run.split("").join("");
    const made = tokensOf(own, this.vocabulary).map((token) => this.make(token));
    this.known.set(own, made);
    return made;
  };

  private make(token: Token): Known {
    const { net, rows, width, heads, words } = this.tables;
    const vector = new Float32Array(3 * width);
    const total = new Int32Array(heads + 1);
    let grams = 0;
    tokenIds(token).forEach((id, at) => {
      if (id === 0) return;
      for (let i = 0; i <= heads; i++) total[i] = (total[i] ?? 0) + (words[id * (heads + 1) + i] ?? 0);
      const place = Math.min(at, 2) * width;
      if (at >= WORDS) grams++;
      const row = (id % rows) * width;
      for (let i = 0; i < width; i++) vector[place + i] = (vector[place + i] ?? 0) + (net[row + i] ?? 0);
    });
    for (let i = 2 * width; i < 3 * width; i++) vector[i] = (vector[i] ?? 0) / Math.max(1, grams);
    return { literal: token.literal, decoded: token.decoded, vector, words: total, points: points(token.decoded), seed: pairSeed(token) };
  }
}

/** The two tables in `bytes`, or undefined when their sizes do not add up. */
export function readTables(
  bytes: Uint8Array | undefined,
  shape: { readonly rows: number; readonly width: number; readonly heads: number },
): Tables | undefined {
  const { rows, width, heads } = shape;
  const net = rows * width;
  const words = BUCKETS * (heads + 1);
  if (bytes?.byteLength !== net + words) return undefined;
  return { ...shape, net: new Int8Array(bytes.buffer, bytes.byteOffset, net), words: new Int8Array(bytes.buffer, bytes.byteOffset + net, words) };
}
