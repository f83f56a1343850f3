/**
 * The engines at hand: this Node, V8 without its compilers, Chromium with and without them; those of the other headsets and browsers,
 * JavaScriptCore (Safari, visionOS) and SpiderMonkey (Firefox), by their command lines where they are installed; and QuickJS (in
 * WebAssembly, from npm). Each gets the same bundled script.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
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
  /** Debian's package whose command runs it, for an engine that need not be there. */
  readonly package?: string;
  readonly present: () => boolean;
  readonly run: (script: string, frames: number, seed: number) => Promise<EngineOutcome>;
};

export const ENGINES: readonly Engine[] = [
  { name: "node", interprets: false, present: always, run: async (_, frames, seed) => engineRun(frames, seed) },
  { name: "chromium", interprets: false, present: always, run: (script, frames, seed) => inChromium(script, frames, seed, []) },
  shell("javascriptcore", "jsc", "libjavascriptcoregtk-4.0-bin"),
  shell("spidermonkey", "gjs", "gjs"),
  { name: "quickjs", interprets: true, present: always, run: inQuickJs },
  { name: "node_jitless", interprets: true, present: always, run: inJitlessNode },
  {
    name: "chromium_jitless",
    interprets: true,
    present: always,
    run: (script, frames, seed) => inChromium(script, frames, seed, ["--js-flags=--jitless"]),
  },
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

function always(): boolean {
  return true;
}

function onPath(command: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, command)));
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

function inJitlessNode(script: string, frames: number, seed: number): Promise<EngineOutcome> {
  return inShell(process.execPath, ["--jitless"], `${script}\nprocess.stdout.write(${call(frames, seed)})`);
}

function shell(name: string, command: string, from: string): Engine {
  const run: Engine["run"] = (script, frames, seed) => inShell(command, [], `${script}\nprint(${call(frames, seed)})`);
  return { name, interprets: false, package: from, present: () => onPath(command), run };
}

async function inShell(command: string, args: readonly string[], source: string): Promise<EngineOutcome> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-engines-"));
  try {
    const file = join(folder, "run.cjs");
    await writeFile(file, source);
    return JSON.parse(await output(command, [...args, file])) as EngineOutcome;
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
