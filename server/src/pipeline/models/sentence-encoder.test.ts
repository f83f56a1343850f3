import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as runtime from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { threadCpuMs } from "../../adapters/thread-time.ts";
import { readBundle } from "./read-bundle.ts";
import { SentenceEncoder } from "./sentence-encoder.ts";
import { WordPiece } from "./word-piece.ts";

const TOY = fileURLToPath(new URL("testing/toy-sentence/", import.meta.url));
const dot = (a: Float32Array | undefined, b: Float32Array | undefined): number =>
  [...(a ?? [])].reduce((sum, value, i) => sum + value * (b?.[i] ?? 0), 0);

describe("a sentence transformer that somebody brings", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sentence-model-"));
    await cp(TOY, folder, { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("[SE2] loads by its manifest, agrees with PyTorch and embeds texts", async () => {
    const loaded = await SentenceEncoder.load(runtime, folder);
    if (!loaded.ok) throw new Error(loaded.fault.message);
    const encoder = loaded.value;
    const [pump, same, other, none] = await encoder.embed(["the red pump", "The RED pump", "where are we eating tonight", ""]);
    expect(pump).toHaveLength(encoder.manifest.dimensions);
    expect(dot(pump, pump)).toBeCloseTo(1, 4);
    expect(dot(pump, same)).toBeCloseTo(1, 4);
    expect(dot(pump, other)).toBeLessThan(0.95);
    expect(dot(none, none)).toBeCloseTo(1, 4);
    await encoder.close();
  });

  it("[SE1] gives a text the same vector alone and among others", async () => {
    const loaded = await SentenceEncoder.load(runtime, folder);
    if (!loaded.ok) throw new Error(loaded.fault.message);
    const texts = Array.from({ length: 40 }, (_, i) => "move the table next to the window ".repeat(1 + (i % 5)) + i);
    const together = await loaded.value.embed(texts);
    for (const at of [0, 7, 39]) expect(dot((await loaded.value.embed([texts[at] ?? ""]))[0], together[at])).toBeCloseTo(1, 4);
    await loaded.value.close();
  });

  it("is refused with a reason when tokenizer, manifest or bytes do not fit", async () => {
    const change = async (name: string, edit: (json: Record<string, unknown>) => void): Promise<void> => {
      const json = JSON.parse(await readFile(join(folder, name), "utf8")) as Record<string, unknown>;
      edit(json);
      await writeFile(join(folder, name), JSON.stringify(json));
    };
    await change("manifest.json", (json) => (json["dimensions"] = 16));
    expect(await SentenceEncoder.load(runtime, folder)).toMatchObject({
      ok: false,
      fault: { code: "schema", message: expect.stringContaining("16") },
    });
    await change("manifest.json", (json) => (json["kind"] = "text-heads"));
    expect(await SentenceEncoder.load(runtime, folder)).toMatchObject({ ok: false, fault: { code: "manifest" } });
    await cp(TOY, folder, { recursive: true });
    await change("tokenizer.json", (json) => (json["version"] = "2"));
    expect(await SentenceEncoder.load(runtime, folder)).toMatchObject({ ok: false, fault: { code: expect.stringMatching(/corrupt|oversized/) } });
    expect(await readBundle(join(folder, "nowhere"), { kind: "sentence" })).toMatchObject({ ok: false, fault: { code: "missing" } });
    expect(WordPiece.parse('{"model":{"type":"BPE","vocab":{}}}', true)).toMatchObject({ ok: false, fault: { code: "schema" } });
  });

  it("[WP1] [WP2] bounds any text", async () => {
    const parsed = WordPiece.parse(await readFile(join(TOY, "tokenizer.json"), "utf8"), true);
    if (!parsed.ok) throw new Error(parsed.fault.message);
    for (const text of ["a".repeat(1_000_000), "a ".repeat(500_000), "\ud800\ud800", "\u0000\u200b"]) {
      const from = threadCpuMs();
      expect(parsed.value.encode(text, 32).length).toBeLessThanOrEqual(32);
      expect(threadCpuMs() - from).toBeLessThan(300);
    }
  });
});
