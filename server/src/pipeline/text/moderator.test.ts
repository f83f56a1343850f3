import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { tinyModel } from "../runtime/tiny-model.ts";
import { installModel, judgeWith, MAX_TEXT_MODEL_BYTES, openModerator, TEXT_MODEL_FOLDER, TextModerator } from "./index.ts";

type Manifest = { sha256: string; files: Record<string, { sha256: string; bytes: number }>; [key: string]: unknown };
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("the default text model", () => {
  let moderator: TextModerator;
  beforeAll(async () => {
    const opened = await openModerator();
    expect(opened.fault).toBeUndefined();
    moderator = opened.moderator;
  });

  it("tells plain talk from abuse, in the spellings people choose", async () => {
    for (const text of [
      "can someone pass me the red cube",
      "good game everyone, see you tomorrow",
      "kill the dragon before the timer",
      "i love my gay neighbours",
      "",
    ]) {
      expect(await moderator.judge(text), text).toMatchObject({ flagged: false, reason: "", why: [], degraded: false });
    }
    for (const text of ["kill yourself", "k y s", "you fucking idiot", "fuсk you аsshole", "you are a worthless piece of sh1t"]) {
      expect((await moderator.judge(text)).flagged, text).toBe(true);
    }
  });

  it("[TJ1] flags by the scene's thresholds where it sets any", async () => {
    const text = "you are such an idiot";
    expect((await moderator.judge(text, { toxic: 0.05 })).flagged).toBe(true);
    const never = Object.fromEntries([...moderator.heads, "lexicon"].map((head) => [head, 1]));
    expect((await moderator.judge(text, never)).flagged).toBe(false);
  });

  it("[TJ3] records model, version, thresholds and reasons, and never the text", async () => {
    const judgement = await moderator.judge("kill yourself zyxxy", { insult: 0.5 });
    expect(judgement).toMatchObject({ model: "copresence-text-en", version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    expect(judgement.thresholds).toMatchObject({ insult: 0.5, threat: expect.any(Number) });
    expect(judgement.why.length).toBeGreaterThan(0);
    expect(JSON.stringify(judgement)).not.toContain("zyxxy");
    expect(Object.keys(judgement.heads)).toEqual([...moderator.heads]);
  });

  it("[TM1] gives a text the same answer alone and in any batch", async () => {
    const texts = ["hi", "what a long evening that was, we talked about everything under the sun", "kys", "", "word ".repeat(300), "gg ez", "ok"];
    const together = await moderator.judgeAll(texts.map((text) => ({ text })));
    for (const [at, text] of texts.entries()) {
      const alone = await moderator.judge(text);
      for (const head of moderator.heads) expect(together[at]?.heads[head], `${text} ${head}`).toBeCloseTo(alone.heads[head] ?? Number.NaN, 4);
    }
  });

  it("[SU2] gives a text the same answer after tens of thousands of other words", async () => {
    const text = "the green valve hums, you utter fool";
    const before = (await moderator.judge(text)).heads;
    for (let i = 0; i < 40; i++) await moderator.judge(Array.from({ length: 500 }, (_, k) => `w${i}x${k}`).join(" "));
    expect((await moderator.judge(text)).heads).toEqual(before);
  });

  it("finds abuse at the end of a long message, and answers a megabyte, zalgo and mixed scripts quickly", async () => {
    expect((await moderator.judge(`${"the weather is fine today and ".repeat(25)} kill yourself you worthless idiot`)).flagged).toBe(true);
    for (const text of [
      "x".repeat(1_000_000),
      "kill yourself ".repeat(80_000),
      "ẑ̷̧a̶l̴g̸o̵ ".repeat(60_000),
      "привет hello 你好 مرحبا ".repeat(50_000),
      "\ud800".repeat(10_000),
    ]) {
      const from = performance.now();
      const judgement = await moderator.judge(text);
      expect(performance.now() - from).toBeLessThan(1500);
      expect(judgement.truncated).toBe(true);
      expect(Object.values(judgement.heads).every((score) => score >= 0 && score <= 1)).toBe(true);
    }
  });

  it("serves as the pipeline's judge", async () => {
    const { id: model, version, thresholds } = readManifest();
    expect(await judgeWith(moderator)([{ text: "kill yourself" }, { text: "good morning" }])).toEqual([
      {
        hide: true,
        reason: "threat",
        by: { model, version, thresholds, why: expect.arrayContaining([expect.stringContaining("threat")]) as unknown },
      },
      { hide: false, reason: "", by: { model, version, thresholds, why: [] } },
    ]);
  });

  it("[TJ1] [TJ3] judges each text of a batch by its own space's thresholds, and says by which", async () => {
    const never = Object.fromEntries([...moderator.heads, "lexicon"].map((head) => [head, 1]));
    const [strict, lax] = await judgeWith(moderator)([
      { text: "gg ez noob team", thresholds: { toxic: 0.01 } },
      { text: "kill yourself", thresholds: never },
    ]);
    expect(strict).toMatchObject({ hide: true, reason: "toxic", by: { thresholds: { toxic: 0.01, insult: readManifest().thresholds["insult"] } } });
    expect(lax).toMatchObject({ hide: false, by: { thresholds: never } });
    const [silenced] = await judgeWith(new TextModerator())([{ text: "kill yourself", thresholds: { lexicon: 1 } }]);
    expect(silenced).toMatchObject({ hide: false, by: { model: "lexicon" } });
    expect(await judgeWith(moderator)([])).toEqual([]);
  });
});

const readManifest = () =>
  JSON.parse(readFileSync(join(TEXT_MODEL_FOLDER, "manifest.json"), "utf8")) as { id: string; version: string; thresholds: Record<string, number> };

describe("a model that is not what its manifest says", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "text-model-"));
    await cp(TEXT_MODEL_FOLDER, folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const rewrite = async (change: (manifest: Manifest) => void): Promise<void> => {
    const file = join(folder, "manifest.json");
    const manifest = JSON.parse(await readFile(file, "utf8")) as Manifest;
    change(manifest);
    await writeFile(file, JSON.stringify(manifest));
  };
  /** Puts other bytes under a name, with a manifest that vouches for them. */
  const swap = async (name: string, bytes: Uint8Array): Promise<void> => {
    await writeFile(join(folder, name), bytes);
    await rewrite((manifest) => {
      manifest.files[name] = { sha256: sha256(bytes), bytes: bytes.byteLength };
      if (name === "model.onnx") manifest.sha256 = sha256(bytes);
    });
  };
  const open = async () => (await openModerator({ folder })).fault;

  it("[MB1] is refused when a bit is flipped, the file is cut or missing", async () => {
    const bytes = await readFile(join(folder, "model.onnx"));
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await writeFile(join(folder, "model.onnx"), bytes);
    expect(await open()).toMatchObject({ code: "corrupt" });
    await truncate(join(folder, "model.onnx"), 5000);
    expect(await open()).toMatchObject({ code: "corrupt" });
    await rm(join(folder, "model.onnx"));
    expect(await open()).toMatchObject({ code: "missing", message: expect.stringContaining("model.onnx") });
  });

  it("[MB1] is refused before it is read when it is bigger than allowed or than it says", async () => {
    expect((await openModerator({ folder, maxBytes: 1000 })).fault).toMatchObject({ code: "oversized" });
    await writeFile(join(folder, "vocabulary.tsv"), "x".repeat(MAX_TEXT_MODEL_BYTES));
    expect(await open()).toMatchObject({ code: "oversized", message: expect.stringContaining("vocabulary.tsv") });
  });

  it("[MM1] is refused when the manifest is no manifest, or points out of its folder", async () => {
    await writeFile(join(folder, "manifest.json"), "{");
    expect(await open()).toMatchObject({ code: "manifest" });
    await cp(join(TEXT_MODEL_FOLDER, "manifest.json"), join(folder, "manifest.json"));
    await rewrite((manifest) => (manifest.files["../../secret"] = { sha256: "0".repeat(64), bytes: 1 }));
    expect(await open()).toMatchObject({ code: "manifest" });
  });

  it("[MS2] is refused when the graph has other inputs than declared, or is no graph", async () => {
    await swap("model.onnx", tinyModel());
    expect(await open()).toMatchObject({ code: "schema", message: expect.stringContaining('"tokens"') });
    await swap("model.onnx", new TextEncoder().encode("not an onnx file"));
    expect(await open()).toMatchObject({ code: "runtime" });
    await cp(TEXT_MODEL_FOLDER, folder, { recursive: true });
    await rewrite((manifest) => ((manifest["features"] as { buckets: number }).buckets = 7));
    expect(await open()).toMatchObject({ code: "schema", message: expect.stringContaining("7 buckets") });
    await cp(TEXT_MODEL_FOLDER, folder, { recursive: true });
    await swap("tables.bin", new Uint8Array(1000));
    expect(await open()).toMatchObject({ code: "schema", message: expect.stringContaining("tables.bin") });
  });

  it("[TM2] is refused when a golden vector comes out differently", async () => {
    const golden = JSON.parse(await readFile(join(folder, "golden.json"), "utf8")) as { scores: number[]; first: number[] }[];
    const scores = golden[3]?.scores ?? [];
    scores[2] = (scores[2] ?? 0) + 0.1;
    await swap("golden.json", new TextEncoder().encode(JSON.stringify(golden)));
    expect(await open()).toMatchObject({ code: "golden", message: expect.stringContaining("hate") });
    scores[2] = (scores[2] ?? 0) - 0.1;
    if (golden[0] !== undefined) golden[0].first[0] = 1;
    await swap("golden.json", new TextEncoder().encode(JSON.stringify(golden)));
    expect(await open()).toMatchObject({ code: "golden", message: expect.stringContaining("features") });
  });

  it("[MB2] leaves the last good one in charge", async () => {
    const { moderator } = await openModerator();
    await swap("model.onnx", tinyModel());
    expect(await installModel(moderator, { folder })).toMatchObject({ code: "schema" });
    expect(await moderator.judge("kill yourself")).toMatchObject({ model: "copresence-text-en", flagged: true, degraded: false });
  });
});

describe("without any model", () => {
  it("[TJ4] the lexicon judges and says so", async () => {
    const { moderator, fault } = await openModerator({ folder: join(tmpdir(), "no-such-model") });
    expect(fault).toMatchObject({ code: "missing" });
    expect(await moderator.judge("kill yourself")).toMatchObject({ flagged: true, reason: "threat", model: "lexicon", degraded: true });
    expect(await moderator.judge("hello")).toMatchObject({ flagged: false, degraded: true });
  });
});
