/**
 * `npm run search -- --scene FILE "query" [--viewer x,y,z,yaw] [--limit N]`: asks a scene file and prints JSON.
 * Yaw is in degrees about +y; 0 looks along -z. Exits 2 with a sentence when something is wrong with what it was given.
 */
import { readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { loadSemantics, SceneIndex } from "@copresence/server/search";
import { sceneOf, type Viewer, viewerOf } from "./scene-file.ts";
import { eventOf } from "./score.ts";

const USAGE = 'npm run search -- --scene FILE "query" [--viewer x,y,z,yawDegrees] [--limit N]';
const MAX_FILE_BYTES = 256e6;
const MAX_QUERY_BYTES = 1e6;

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { scene: { type: "string" }, viewer: { type: "string" }, limit: { type: "string", default: "10" } },
  });
  const query = positionals.join(" ");
  if (values.scene === undefined || query.trim() === "") throw new RangeError(USAGE);
  if (query.length > MAX_QUERY_BYTES) throw new RangeError(`The query has ${query.length} characters; at most ${MAX_QUERY_BYTES} are read.`);
  const limit = Number(values.limit);
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError("--limit is a whole number from 1.");
  const viewer = values.viewer === undefined ? null : parseViewer(values.viewer);
  if (statSync(values.scene).size > MAX_FILE_BYTES) throw new RangeError("The scene file is larger than 256 MB.");
  const scene = sceneOf(JSON.parse(readFileSync(values.scene, "utf8")), values.scene);
  const index = new SceneIndex(loadSemantics());
  for (const object of scene.objects) index.apply(object);
  if (index.refused > 0) console.error(`${index.refused} objects are more than an index holds and were left out.`);
  const started = performance.now();
  const { hits, count } = index.answer(eventOf({ text: query, viewer }, limit));
  console.log(
    JSON.stringify(
      { query, viewer, objects: index.size, ms: Number((performance.now() - started).toFixed(2)), ...(count === undefined ? {} : { count }), hits },
      undefined,
      2,
    ),
  );
}

function parseViewer(text: string): Viewer {
  const parts = text.split(",").map(Number);
  const viewer = parts.length === 4 && parts.every(Number.isFinite) ? viewerOf({ position: parts.slice(0, 3), yawDeg: parts[3] }) : null;
  if (viewer === null) throw new RangeError("--viewer is x,y,z,yaw: three metres and degrees.");
  return viewer;
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
