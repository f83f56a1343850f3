/**
 * The engines at hand: this Node, V8 without its compilers, Chromium with and without them, and QuickJS, which shares no line with V8 (in
 * WebAssembly, from npm). Each gets the same bundled script.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "@copresence/simulations/browser";
import { newQuickJSWASMModuleFromVariant } from "quickjs-emscripten-core";
import { build, type Rollup } from "vite";
import { type EngineOutcome, engineRun } from "./engine-run.ts";

const SCRIPT = fileURLToPath(new URL("script.ts", import.meta.url));

export type Engine = {
  readonly name: string;
  /** Without a compiler: some fifty times slower. */
  readonly interprets: boolean;
  readonly run: (script: string, frames: number, seed: number) => Promise<EngineOutcome>;
};

export const ENGINES: readonly Engine[] = [
  { name: "node", interprets: false, run: async (_, frames, seed) => engineRun(frames, seed) },
  { name: "chromium", interprets: false, run: (script, frames, seed) => inChromium(script, frames, seed, []) },
  { name: "quickjs", interprets: true, run: inQuickJs },
  { name: "node_jitless", interprets: true, run: inJitlessNode },
  { name: "chromium_jitless", interprets: true, run: (script, frames, seed) => inChromium(script, frames, seed, ["--js-flags=--jitless"]) },
];

/** The run and all that it imports, as one classic script. */
export async function bundle(): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: "error",
    build: { write: false, minify: false, target: "es2022", lib: { entry: SCRIPT, formats: ["iife"], name: "engines" } },
  })) as Rollup.RollupOutput[];
  const [chunk] = (built[0] as Rollup.RollupOutput).output;
  return chunk.code;
}

const call = (frames: number, seed: number): string => `engineRun(${frames}, ${seed})`;

async function inQuickJs(script: string, frames: number, seed: number): Promise<EngineOutcome> {
  const engine = await newQuickJSWASMModuleFromVariant(import("@jitl/quickjs-wasmfile-release-sync"));
  const context = engine.newContext();
  try {
    const result = context.unwrapResult(context.evalCode(`${script}\n${call(frames, seed)}`));
    const text = context.getString(result);
    result.dispose();
    return JSON.parse(text) as EngineOutcome;
  } finally {
    context.dispose();
  }
}

async function inJitlessNode(script: string, frames: number, seed: number): Promise<EngineOutcome> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-engines-"));
  try {
    const file = join(folder, "run.cjs");
    await writeFile(file, `${script}\nprocess.stdout.write(${call(frames, seed)})`);
    return JSON.parse(await output(process.execPath, ["--jitless", file])) as EngineOutcome;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function output(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let complained = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (complained += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(said) : reject(new Error(`${command} ended with ${code}: ${complained}`))));
  });
}

async function inChromium(script: string, frames: number, seed: number, args: readonly string[]): Promise<EngineOutcome> {
  const browser = await launchBrowser({ width: 320, height: 240 }, args);
  try {
    const page = await browser.context.newPage();
    await page.evaluate(script);
    return JSON.parse((await page.evaluate(call(frames, seed))) as string) as EngineOutcome;
  } finally {
    await browser.close();
  }
}
