/**
 * Scenes and queries from files, leniently (bench/README.md says the format), into the events that the pipeline reads.
 *
 * [SF1] What is no scene is refused with a sentence that names the file and what is missing; what is merely odd (a NaN, a missing size, an
 *       unknown key) is taken as "not said".
 * [SF2] z-up data is turned so that y is up: (x, y, z) -> (x, z, -y).
 */
import type { PipelineEvent } from "@copresence/server/core";

export type ObjectEvent = Extract<PipelineEvent, { kind: "object" }>;
export type Viewer = { readonly position: readonly number[]; readonly rotation: readonly number[] };
export type BenchQuery = {
  readonly text: string;
  readonly viewer: Viewer | null;
  /** Ids any of which is right, or a number for "how many". */
  readonly answer: readonly string[] | number;
  readonly tags: readonly string[];
  readonly split: string;
};
export type BenchScene = { readonly name: string; readonly objects: readonly ObjectEvent[]; readonly queries: readonly BenchQuery[] };

type Json = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : typeof value === "number" ? String(value) : "");

/** Three numbers from `[x, y, z]` or `{x, y, z}`; NaN where there is none. */
function triple(value: unknown): [number, number, number] {
  const at = (key: string, i: number): number => {
    const raw: unknown = Array.isArray(value) ? value[i] : isRecord(value) ? value[key] : undefined;
    return typeof raw === "number" ? raw : NaN;
  };
  return [at("x", 0), at("y", 1), at("z", 2)];
}

/** One object of a scene file. Throws a RangeError without an id. */
export function objectEvent(raw: unknown, zUp: boolean): ObjectEvent {
  if (!isRecord(raw) || text(raw["id"] ?? raw["uuid"] ?? raw["objectId"]) === "") throw new RangeError("an object without an id");
  const [x, y, z] = triple(raw["position"] ?? raw["center"] ?? raw["centre"] ?? raw["pos"]);
  const extents = triple(raw["size"] ?? raw["extent"] ?? raw["dimensions"]);
  const [sx, sy, sz] = extents;
  const size = extents.every(Number.isFinite) ? (zUp ? [sx, sz, sy] : [...extents]) : undefined;
  const scalar = typeof raw["size"] === "number" ? raw["size"] : (size?.reduce((most, metres) => Math.max(most, metres), 0) ?? 0);
  const color: unknown = raw["color"] ?? raw["colour"];
  const tags = Array.isArray(raw["tags"])
    ? raw["tags"].map(text).filter(Boolean)
    : isRecord(raw["tags"])
      ? Object.entries(raw["tags"]).map(([key, value]) => `${key} ${text(value)}`)
      : text(raw["tags"]) === ""
        ? []
        : [text(raw["tags"])];
  return {
    kind: "object",
    object: text(raw["id"] ?? raw["uuid"] ?? raw["objectId"]),
    version: 1,
    type: text(raw["type"]) || text(raw["category"]),
    label: text(raw["label"]) || text(raw["name"]) || text(raw["type"]),
    text: text(raw["description"] ?? raw["text"]),
    position: zUp ? [x, z, -y] : [x, y, z],
    sizeM: scalar,
    ...(size === undefined ? {} : { size }),
    color: Array.isArray(color) ? (color.every((part) => typeof part === "number") ? hex(color) : color.map(text).join(" ")) : text(color),
    tags,
    room: text(raw["room"] ?? raw["region"] ?? raw["zone"]),
  };
}

const hex = (parts: readonly number[]): string => {
  const scale = parts.some((part) => part > 1) ? 1 : 255;
  return `#${parts
    .slice(0, 3)
    .map((part) =>
      Math.max(0, Math.min(255, Math.round(part * scale)))
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
};

/** Yaw in radians about +y, or in degrees when it is called `yawDeg` or cannot be radians; or a quaternion x y z w; or where it looks (`forward`, `lookAt`). */
export function viewerOf(raw: unknown, zUp = false): Viewer | null {
  if (Array.isArray(raw) && raw.length >= 3)
    return viewerOf(
      { position: raw.slice(0, 3), ...(raw.length === 4 ? { yaw: raw[3] } : raw.length >= 7 ? { rotation: raw.slice(3, 7) } : {}) },
      zUp,
    );
  if (!isRecord(raw)) return null;
  const [x, y, z] = triple(raw["position"] ?? raw["pos"] ?? raw);
  if (![x, y, z].every(Number.isFinite)) return null;
  const position = zUp ? [x, z, -y] : [x, y, z];
  const turn: unknown = raw["rotation"] ?? raw["orientation"] ?? raw["quaternion"];
  const quaternion = Array.isArray(turn) ? turn : isRecord(turn) ? ["x", "y", "z", "w"].map((key) => turn[key]) : undefined;
  if (quaternion?.length === 4 && quaternion.every((part) => typeof part === "number")) {
    const [qx = 0, qy = 0, qz = 0, qw = 1] = quaternion as number[];
    return { position, rotation: zUp ? [qx, qz, -qy, qw] : [qx, qy, qz, qw] };
  }
  const ahead = triple(raw["forward"] ?? raw["direction"] ?? raw["facing"]);
  const aim = triple(raw["lookAt"] ?? raw["look_at"]);
  const along = ahead.every(Number.isFinite) ? ahead : [aim[0] - x, aim[1] - y, aim[2] - z];
  if (along.every(Number.isFinite)) {
    // Where -z, or +y of a z-up scene, is turned to.
    const radians = zUp ? Math.atan2(-along[0]!, along[1]!) : Math.atan2(-along[0]!, -along[2]!);
    return { position, rotation: [0, Math.sin(radians / 2), 0, Math.cos(radians / 2)] };
  }
  const degrees = raw["yawDeg"] ?? raw["yaw_deg"] ?? raw["headingDeg"];
  const given = degrees ?? raw["yaw"] ?? raw["heading"] ?? raw["yawRad"];
  const number = typeof given === "number" && Number.isFinite(given) ? given : 0;
  const radians = degrees !== undefined || Math.abs(number) > 2 * Math.PI + 1e-6 ? (number * Math.PI) / 180 : number;
  return { position, rotation: [0, Math.sin(radians / 2), 0, Math.cos(radians / 2)] };
}

/** One query. `viewers` resolves a viewer given by name. Throws a RangeError without a text or an answer. */
export function queryOf(raw: unknown, viewers: Json = {}, zUp = false): BenchQuery {
  if (!isRecord(raw)) throw new RangeError("a query that is no object");
  const words = text(raw["text"] ?? raw["query"] ?? raw["utterance"]);
  const given: unknown = raw["answer"] ?? raw["answers"] ?? raw["target"] ?? raw["target_id"];
  const answer =
    typeof given === "number" && isCounting(words)
      ? given
      : (Array.isArray(given) ? given : [given]).map((one) => text(isRecord(one) ? one["id"] : one)).filter(Boolean);
  if (words === "" || (Array.isArray(answer) && answer.length === 0)) throw new RangeError("a query without a text or an answer");
  const viewer: unknown = raw["viewer"] ?? raw["from"];
  return {
    text: words,
    viewer: viewerOf(typeof viewer === "string" ? viewers[viewer] : viewer, zUp && typeof viewer !== "string"),
    answer,
    tags: Array.isArray(raw["tags"]) ? raw["tags"].map(text) : [],
    split: text(raw["split"]),
  };
}

export const isCounting = (words: string): boolean => /^\s*(?:how many|number of|the number of|count)\b/i.test(words);

/**
 * A scene file: `{objects, queries?, up?}`, a bare list of objects, or `{scene: {objects}, queries}`. Throws a RangeError [SF1]; with `say`, an
 * object or query that cannot be used is left out and said instead.
 */
export function sceneOf(json: unknown, name: string, say?: (line: string) => void): BenchScene {
  const usable = <T>(what: string, list: readonly unknown[], read: (raw: unknown) => T): T[] =>
    list.flatMap((raw, i) => {
      try {
        return [read(raw)];
      } catch (error) {
        if (say === undefined || !(error instanceof RangeError)) throw error;
        say(`${name}: left out ${what} ${i + 1}: ${error.message}`);
        return [];
      }
    });
  const outer = isRecord(json) ? json : { objects: json };
  const inner = isRecord(outer["scene"]) ? outer["scene"] : outer;
  const objects = inner["objects"];
  if (!Array.isArray(objects)) throw new RangeError(`${name}: neither a list of objects nor {"objects": [...]}`);
  const zUp = /z/i.test(text(inner["up"] ?? outer["up"]));
  const viewers = isRecord(outer["viewers"]) ? outer["viewers"] : {};
  const queries = Array.isArray(outer["queries"]) ? outer["queries"] : [];
  return {
    name: text(inner["name"]) || text(inner["scene"]) || (typeof outer["scene"] === "string" ? outer["scene"] : "") || name,
    objects: usable("object", objects, (raw) => objectEvent(raw, zUp)),
    queries: usable("query", queries, (raw) => queryOf(raw, viewers, zUp)),
  };
}
