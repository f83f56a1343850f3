/**
 * `--data DIR`: scenes and questions from anybody, in the layouts that bench/README.md lists. Files that are no scenes are named and skipped.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { BadInput } from "../suite.ts";
import { type BenchScene, queryOf, sceneOf } from "./scene-file.ts";

const MAX_FILE_BYTES = 256e6;

/** Reads every scene below `folder`. Throws a sentence when there is none. */
export function externalScenes(folder: string, say: (line: string) => void): BenchScene[] {
  if (!existsSync(folder)) throw new BadInput(`--data: there is no folder ${folder}`);
  const files = filesBelow(folder).filter((file) => /\.jsonl?$/.test(file));
  const scenes = new Map<string, BenchScene>();
  const loose: { readonly scene: string; readonly json: Readonly<Record<string, unknown>>; readonly file: string }[] = [];
  for (const file of files) {
    try {
      if (statSync(file).size > MAX_FILE_BYTES) throw new RangeError("larger than 256 MB");
      const text = readFileSync(file, "utf8");
      const json: unknown = file.endsWith("l")
        ? {
            queries: text
              .split("\n")
              .filter((line) => line.trim() !== "")
              .map((line) => JSON.parse(line) as unknown),
          }
        : JSON.parse(text);
      const name = sceneName(file);
      const many = isRecord(json) && Array.isArray(json["scenes"]) ? json["scenes"] : undefined;
      if (many !== undefined) for (const [i, one] of many.entries()) keep(scenes, sceneOf(one, `${name}-${i}`, say));
      else if (isScene(json)) keep(scenes, sceneOf(json, name, say));
      else if (isRecord(json) && Array.isArray(json["queries"]))
        loose.push({ scene: typeof json["scene"] === "string" ? json["scene"] : name, json, file });
      else if (Array.isArray(json) && json.length > 0) loose.push({ scene: name, json: { queries: json }, file });
      else say(`skipped ${file}: neither objects nor queries`);
    } catch (error) {
      say(`skipped ${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const { scene, json, file } of loose) attach(scenes, scene, json, file, say);
  const found = [...scenes.values()].filter(({ queries }) => queries.length > 0);
  if (found.length === 0) throw new BadInput(`--data: no scene with queries below ${folder} (bench/README.md says the format)`);
  return found;
}

/** Queries of a file of their own: each may name its scene, else the file does, else there is only one scene. */
function attach(
  scenes: Map<string, BenchScene>,
  scene: string,
  json: Readonly<Record<string, unknown>>,
  file: string,
  say: (line: string) => void,
): void {
  const viewers = isRecord(json["viewers"]) ? json["viewers"] : {};
  let lost = 0;
  for (const raw of json["queries"] as unknown[]) {
    const named = isRecord(raw) && (typeof raw["scene"] === "string" || typeof raw["scene"] === "number") ? String(raw["scene"]) : scene;
    const home = scenes.get(named) ?? (scenes.size === 1 ? [...scenes.values()][0] : undefined);
    try {
      if (home === undefined) throw new RangeError("no scene");
      keep(scenes, { ...home, queries: [...home.queries, queryOf(raw, viewers)] });
    } catch {
      lost++;
    }
  }
  if (lost > 0) say(`${file}: ${lost} queries without a text, an answer or a scene were left out`);
}

const keep = (scenes: Map<string, BenchScene>, scene: BenchScene): void => void scenes.set(scene.name, scene);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);
const isScene = (json: unknown): boolean =>
  (isRecord(json) && (Array.isArray(json["objects"]) || (isRecord(json["scene"]) && Array.isArray(json["scene"]["objects"])))) ||
  (Array.isArray(json) &&
    isRecord(json[0]) &&
    (json[0]["label"] !== undefined || json[0]["position"] !== undefined) &&
    json[0]["text"] === undefined);
/** `room1.scene.json`, `room1.queries.json` and `room1/scene.json` are of the scene room1. */
const sceneName = (file: string): string => {
  const name = basename(file)
    .replace(/\.jsonl?$/, "")
    .replace(/[._-](?:scene|queries|query|objects)$/, "");
  return /^(?:scene|queries|query|objects)$/.test(name) ? basename(join(file, "..")) : name;
};
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : entry.isFile() ? [join(folder, entry.name)] : []));
