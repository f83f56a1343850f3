/**
 * WordPiece as BERT's: from a text to the ids of a vocabulary, read from the tokenizer.json that Hugging Face's tokenizers write.
 *
 * [WP1] At most `maxTokens` ids, [CLS] and [SEP] included; work is bounded by it and by MAX_CHARACTERS, whatever the text.
 * [WP2] Words the vocabulary cannot spell become [UNK]; nothing throws.
 */
import { z } from "zod";
import { fault, type Result } from "./bundle.ts";

const MAX_CHARACTERS = 10_000;
const tokenizerJson = z.object({
  normalizer: z.object({ lowercase: z.boolean().optional(), strip_accents: z.boolean().nullish() }).nullish(),
  model: z.object({
    type: z.literal("WordPiece"),
    unk_token: z.string().default("[UNK]"),
    continuing_subword_prefix: z.string().default("##"),
    max_input_chars_per_word: z.int().min(1).max(1000).default(100),
    vocab: z.record(z.string(), z.int().nonnegative()),
  }),
});

const MARKS = /\p{Mn}/gu;
const CONTROL = /(?![\t\n\r])[\p{Cc}\p{Cf}\u{fffd}]/gu;
/** Chinese characters and punctuation stand alone; what is ASCII and neither letter nor digit counts as punctuation. */
const WORD =
  /[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}]|[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}]+/gu;

export class WordPiece {
  private readonly vocabulary: ReadonlyMap<string, number>;
  private readonly settings: z.infer<typeof tokenizerJson>["model"];
  private readonly lowercase: boolean;
  private readonly unknown: number;
  private readonly first: number;
  private readonly last: number;

  private constructor(json: z.infer<typeof tokenizerJson>, lowercase: boolean, special: readonly [number, number, number]) {
    this.settings = json.model;
    this.vocabulary = new Map(Object.entries(json.model.vocab));
    this.lowercase = lowercase;
    [this.unknown, this.first, this.last] = special;
  }

  /** `lowercase` holds where the file says nothing. */
  static parse(text: string, lowercase: boolean): Result<WordPiece> {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return fault("manifest", "the tokenizer's file is not JSON");
    }
    const parsed = tokenizerJson.safeParse(value);
    if (!parsed.success) return fault("schema", `the tokenizer is no WordPiece tokenizer.json: ${parsed.error.issues[0]?.path.join(".") ?? ""}`);
    const { vocab, unk_token } = parsed.data.model;
    const [unknown, first, last] = [vocab[unk_token], vocab["[CLS]"], vocab["[SEP]"]];
    if (unknown === undefined || first === undefined || last === undefined)
      return fault("schema", `the tokenizer lacks ${unk_token}, [CLS] or [SEP]`);
    return { ok: true, value: new WordPiece(parsed.data, parsed.data.normalizer?.lowercase ?? lowercase, [unknown, first, last]) };
  }

  encode(text: string, maxTokens: number): number[] {
    const ids = [this.first];
    const plain = text.slice(0, MAX_CHARACTERS).toWellFormed().replace(CONTROL, "");
    const folded = this.lowercase ? plain.toLowerCase().normalize("NFD").replace(MARKS, "") : plain;
    for (const [word] of folded.matchAll(WORD)) {
      for (const id of this.pieces([...word])) if (ids.length < maxTokens - 1) ids.push(id);
      if (ids.length >= maxTokens - 1) break;
    }
    return [...ids, this.last];
  }

  /** Longest pieces first. */
  private pieces(letters: readonly string[]): number[] {
    if (letters.length > this.settings.max_input_chars_per_word) return [this.unknown];
    const ids: number[] = [];
    for (let start = 0; start < letters.length;) {
      let end = letters.length;
      let id: number | undefined;
      for (; end > start; end--) {
        id = this.vocabulary.get((start > 0 ? this.settings.continuing_subword_prefix : "") + letters.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (id === undefined) return [this.unknown];
      ids.push(id);
      start = end;
    }
    return ids;
  }
}
