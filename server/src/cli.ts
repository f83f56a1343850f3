/**
 * The server as a process: environment in, exit code out. The only reader of `process.env`.
 *
 * [CL1] Start-up failures are sentences on standard error and an exit code: 1 failed, 2 port taken, 3 misconfigured.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Scene } from "@copresence/shared/scene";
import { configFromEnvironment } from "./config.ts";
import type { InitialObject } from "./core/index.ts";
import { EXIT, StartError, startServer } from "./main.ts";
import { supervise } from "./supervise.ts";
import { warmUp } from "./warm-up.ts";

function fail(sentence: string, code: number): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}

/** Only `defineScene` gives a hash: what has one was checked. */
const isScene = (value: unknown): value is Scene => typeof value === "object" && value !== null && typeof Reflect.get(value, "hash") === "string";

type SceneModule = { readonly scene: Scene; readonly initial: readonly InitialObject[] | undefined };

async function loadScene(module: string | undefined): Promise<SceneModule> {
  if (module === undefined)
    fail("No scene is configured: set COPRESENCE_SCENE to a module whose default export is a scene (defineScene).", EXIT.misconfigured);
  let loaded: { readonly default?: unknown; readonly initialObjects?: unknown };
  try {
    loaded = (await import(pathToFileURL(resolve(module)).href)) as typeof loaded;
  } catch (error) {
    fail(`COPRESENCE_SCENE could not be loaded: ${error instanceof Error ? error.message : String(error)}`, EXIT.misconfigured);
  }
  if (!isScene(loaded.default)) fail("COPRESENCE_SCENE has no scene as its default export; export default defineScene({...}).", EXIT.misconfigured);
  return { scene: loaded.default, initial: loaded.initialObjects as readonly InitialObject[] | undefined };
}

const { scene, initial } = await loadScene(process.env["COPRESENCE_SCENE"]);
const config = configFromEnvironment(process.env, scene, initial);
if (!config.ok) fail(config.error.join("\n"), EXIT.misconfigured);
try {
  warmUp();
  const server = await startServer(config.value);
  supervise(server);
  process.stdout.write(`copresence is running at ${server.url} (${server.transport})\n`);
} catch (error) {
  if (error instanceof StartError) fail(error.message, error.code);
  throw error;
}
