import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { threadCpuMs } from "../../adapters/thread-time.ts";
import { BUCKETS, readMessage, ROW, tokensOf, type Vocabulary, WINDOW, windows } from "./features.ts";

const TRAINING = fileURLToPath(new URL("../../../training/", import.meta.url));
const VOCABULARY: Vocabulary = new Map(Object.entries({ i: 14, hate: 28, women: 30, noob: 20, team: 22, a: 12, the: 12 }));
const decoded = (text: string): string[] => readMessage(text, (run) => tokensOf(run, VOCABULARY)).tokens.map((token) => token.decoded);

describe("text features", () => {
  it("[TF1] are those of the training's Python on chat, evasions and random Unicode", () => {
    // Debian's Python is enough: the features use nothing beside its standard library.
    const python = ["/usr/bin/python3"].find((path) => existsSync(path));
    if (python === undefined) return console.warn("SKIPPED: no /usr/bin/python3; the golden vectors of the model still compare features.");
    const texts = readFileSync(join(TRAINING, "chat/evasion-1.tsv"), "utf8")
      .split("\n")
      .flatMap((line) => (line.includes("\t") ? [line.slice(line.indexOf("\t") + 1)] : []));
    fc.assert(
      fc.property(fc.array(fc.string({ unit: old, maxLength: 60 }), { minLength: 400, maxLength: 400 }), (more) => void texts.push(...more)),
      { numRuns: 1 },
    );
    texts.push(
      "İstanbul ΣΑΣ ǅ ﬁ ㎏",
      "x".repeat(5000),
      "a b ".repeat(1500),
      "é".repeat(3000) + "z".repeat(3000),
      "😀".repeat(4001),
      "w ".repeat(900),
    );
    const script = `
import json, sys
sys.path.insert(0, ${JSON.stringify(TRAINING)})
sys.dont_write_bytecode = True
import features
texts, vocabulary = json.load(sys.stdin)
json.dump([[sum(row, []) for row in features.windows(text, vocabulary)] for text in texts], sys.stdout)`;
    const run = spawnSync(python, ["-c", script], {
      input: JSON.stringify([texts, Object.fromEntries(VOCABULARY)]),
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    expect(run.stderr).toBe("");
    const theirs = JSON.parse(run.stdout) as number[][][];
    texts.forEach((text, at) => expect({ text, ids: windows(text, VOCABULARY).ids.map((ids) => [...ids]) }).toEqual({ text, ids: theirs[at] }));
  });

  it("[TF2] are bounded for any text and never throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
        const { ids } = windows(text, VOCABULARY);
        expect(ids.length).toBeGreaterThanOrEqual(1);
        expect(ids.length).toBeLessThanOrEqual(24);
        for (const window of ids) {
          expect(window.length % ROW).toBe(0);
          expect(window.length).toBeLessThanOrEqual(WINDOW * ROW);
          expect(window.every((id) => id >= 0 && id < BUCKETS)).toBe(true);
          expect(window[0]).toBeGreaterThan(0);
        }
      }),
    );
  });

  it("[TF2] read a megabyte in bounded time and say what they left out", () => {
    for (const text of [
      "a".repeat(1_000_000),
      "a ".repeat(500_000),
      "z̷̧".repeat(330_000),
      "😀".repeat(250_000),
      "?! ".repeat(330_000),
      "a.".repeat(500_000),
      "﷽".repeat(1_000_000),
    ]) {
      const from = threadCpuMs();
      expect(windows(text, VOCABULARY).truncated).toBe(true);
      expect(threadCpuMs() - from).toBeLessThan(500);
    }
    expect(windows("a short one", VOCABULARY).truncated).toBe(false);
  });

  it("reads evasions as the words they stand for", () => {
    expect(decoded("n00b t3am")).toEqual(["noob", "team"]);
    expect(decoded("h.a.t.e n-o-o-b")).toEqual(["hate", "noob"]);
    expect(decoded("ihatewomen")).toEqual(["i", "hate", "women"]);
    expect(decoded("hаtе")).toEqual(["hate"]);
    expect(decoded("h\u200bate")).toEqual(["hate"]);
    expect(decoded("ｎｏｏｂ!!")).toEqual(["noob", "!"]);
    expect(decoded("“hate”")).toEqual(['"', "hate", '"']);
  });
});

/** Characters that were assigned when Python 3.11 was made: Latin to Greek, punctuation, emoji, Hangul, some marks. */
const old = fc
  .oneof(
    fc.integer({ min: 1, max: 0x377 }),
    fc.integer({ min: 0x20, max: 0x7e }),
    fc.integer({ min: 0x410, max: 0x44f }),
    fc.integer({ min: 0x2010, max: 0x205e }),
    fc.integer({ min: 0x1f600, max: 0x1f64f }),
    fc.integer({ min: 0xac00, max: 0xd7a3 }),
    fc.integer({ min: 0xff01, max: 0xff5e }),
    fc.integer({ min: 0x1d400, max: 0x1d433 }),
    fc.constantFrom(0x200b, 0x200d, 0x202e, 0xfe0f, 0x3000, 0x2028, 0x85, 0x5f),
  )
  .map((code) => String.fromCodePoint(code));
