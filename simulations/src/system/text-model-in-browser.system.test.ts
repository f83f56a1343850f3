/** The default text model on onnxruntime-web in a real Chromium: the same bytes and the same TypeScript must give the server's answers. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { openModerator, TEXT_MODEL_FOLDER } from "@copresence/server/moderation";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchBrowser, type TestBrowser } from "./browser.ts";

const PIPELINE = fileURLToPath(new URL("../../../server/src/pipeline/", import.meta.url));
const ORT = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
const TYPES: Readonly<Record<string, string>> = {
  ts: "text/javascript",
  mjs: "text/javascript",
  wasm: "application/wasm",
  json: "application/json",
  html: "text/html",
};
const TEXTS = [
  "hello everyone",
  "kill yourself",
  "you are not stupid",
  "gg ez n00bs",
  "f u c k  y o u",
  "привет 👍",
  "",
  "the lamp hangs above the table ".repeat(40),
];

let server: Server;
let browser: TestBrowser;
beforeAll(async () => {
  server = createServer((request, response) => {
    void serve(request.url ?? "/").then(
      ({ body, type }) => response.writeHead(200, { "content-type": type }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => server.close(resolve));
});

async function serve(url: string): Promise<{ body: string | Buffer; type: string }> {
  const path = normalize(url).slice(1);
  if (path === "") return { body: "<!doctype html><title>text model</title>", type: "text/html" };
  const file = path.startsWith("ort/") ? join(ORT, path.slice(4)) : join(PIPELINE, path);
  const type = TYPES[file.slice(file.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  return { body: file.endsWith(".ts") ? stripTypeScriptTypes(await readFile(file, "utf8")) : await readFile(file), type };
}

/** Runs in the page; a string, because the tests' own imports are rewritten. Golden vectors are checked in here as well, by `open`. */
const scoreInPage = (texts: readonly string[]): string => `(async () => {
  const ort = await import("/ort/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.wasm.numThreads = 1;
  const { TextModel } = await import("/text/text-model.ts");
  const manifest = await (await fetch("/models/text-en/manifest.json")).json();
  const files = new Map();
  for (const name of Object.keys(manifest.files)) files.set(name, new Uint8Array(await (await fetch("/models/text-en/" + name)).arrayBuffer()));
  const opened = await TextModel.open(ort, { manifest, files }, ["wasm"]);
  if (!opened.ok) return { trouble: opened.fault.message, scores: [] };
  const scored = await opened.value.score(${JSON.stringify(texts)});
  return { trouble: "", scores: scored.map(({ scores }) => [...scores]) };
})()`;

it("gives in the browser the probabilities it gives in the server", async () => {
  const page = await browser.context.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const result = await page.evaluate<{ trouble: string; scores: number[][] }>(scoreInPage(TEXTS));
  expect(result.trouble).toBe("");
  const { moderator } = await openModerator({ folder: TEXT_MODEL_FOLDER });
  for (const [at, { heads }] of (await moderator.judgeAll(TEXTS.map((text) => ({ text })))).entries()) {
    Object.values(heads).forEach((score, head) => expect(result.scores[at]?.[head], `${TEXTS[at]} ${head}`).toBeCloseTo(score, 4));
  }
});
