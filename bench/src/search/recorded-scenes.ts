/**
 * The recorded scene sets of ../shared/data/scenes in the bench's terms, with the questions of queries/. Data that is not there is not judged.
 */
import { existsSync, readFileSync } from "node:fs";
import { type BenchScene, objectEvent, type ObjectEvent, queryOf } from "./scene-file.ts";

const SCENES = new URL("../../../../shared/data/scenes/", import.meta.url);
const QUERIES = new URL("queries/", import.meta.url);
const NAMES = ["loft", "living_room", "duplex", "meeting_room", "office_small"] as const;

type Book = { readonly split: string; readonly viewers: Record<string, unknown>; readonly queries: readonly unknown[] };
type Vector = readonly [number, number, number];
type Quaternion = readonly [number, number, number, number];
const json = (path: string): unknown => JSON.parse(readFileSync(new URL(path, SCENES), "utf8"));

export const hasRecordedScenes = (): boolean => existsSync(new URL("vla3d-unity-loft/loft_object_result.csv", SCENES));

/** The scenes of one split, or of both. */
export function recordedScenes(split?: "tune" | "test"): BenchScene[] {
  return NAMES.map((name) => {
    const book = JSON.parse(readFileSync(new URL(`${name}.json`, QUERIES), "utf8")) as Book;
    const queries = book.queries.map((query) => ({ ...queryOf(query, book.viewers), split: book.split }));
    return { name, split: book.split, objects: name === "loft" ? loft() : name === "duplex" ? duplex() : quest(name), queries };
  }).filter((scene) => split === undefined || scene.split === split);
}

/** z up there; boxes turned about the vertical. */
function loft(): ObjectEvent[] {
  const [head = [], ...rows] = readFileSync(new URL("vla3d-unity-loft/loft_object_result.csv", SCENES), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  const rooms: Readonly<Record<string, string>> = { "0": "bedroom", "1": "corridor", "2": "livingroom" };
  return rows.map((row) => {
    const cell = (name: string): string => row[head.indexOf(name)] ?? "";
    const box = (name: string): number => Number(cell(`object_bbox_${name}`));
    const [cos, sin] = [Math.abs(Math.cos(box("heading"))), Math.abs(Math.sin(box("heading")))];
    const [length, width] = [box("xlength"), box("ylength")];
    const colours = [1, 2, 3].filter((i) => Number(cell(`object_color_scheme_percentage${i}`)) >= 0.25).map((i) => cell(`object_color_scheme${i}`));
    const size = [cos * length + sin * width, sin * length + cos * width, box("zlength")];
    return objectEvent(
      {
        id: cell("object_id"),
        label: cell("raw_label"),
        type: cell("nyu_label"),
        position: [box("cx"), box("cy"), box("cz")],
        size,
        color: colours,
        room: rooms[cell("region_id")],
      },
      true,
    );
  });
}

type Element = { readonly id: string; readonly ifcType: string; readonly name: string; readonly room: string | null; readonly position: Vector };
/** Insertion points, no sizes. A space is no thing, and stairs say no place. */
function duplex(): ObjectEvent[] {
  return ["duplex_arch", "duplex_elec"]
    .flatMap((name) => json(`bsi-duplex/${name}.json`) as Element[])
    .filter(({ ifcType }) => ifcType !== "space")
    .map(({ id, ifcType, name, room, position }) =>
      objectEvent({ id, label: name, type: ifcType, room: room ?? "", position: position.some((metres) => metres !== 0) ? position : null }, true),
    );
}

type Entity = {
  readonly uuid: string;
  readonly semanticLabel_META: string;
  readonly locatable_META: { readonly position: Record<"x" | "y" | "z", number>; readonly orientation: Record<"x" | "y" | "z" | "w", number> };
  readonly bounded2D_META?: { readonly offset: { x: number; y: number }; readonly extent: { width: number; height: number } };
  readonly bounded3D_META?: {
    readonly offset: { x: number; y: number; z: number };
    readonly extent: { width: number; height: number; depth: number };
  };
};
/** Planes lie in their entity's x and z, volumes in x, y and z; a volume replaces the plane captured at its place. */
function quest(name: string): ObjectEvent[] {
  const { spatialEntities } = json(`quest-rooms/${name}.json`) as { spatialEntities: Entity[] };
  const boxes = spatialEntities.flatMap((entity) => boxOf(entity) ?? []);
  return boxes
    .filter(
      (box) =>
        box.solid ||
        !boxes.some(
          (other) => other.solid && other.label === box.label && Math.hypot(...box.anchor.map((p, i) => p - (other.anchor[i] ?? 0))) < 0.05,
        ),
    )
    .map(({ id, label, position, size }) => objectEvent({ id, label: label.replaceAll("_", " ").toLowerCase(), position, size }, false));
}

function boxOf({
  uuid,
  semanticLabel_META: label,
  locatable_META: { position: p, orientation: q },
  bounded2D_META: plane,
  bounded3D_META: volume,
}: Entity) {
  if (plane === undefined && volume === undefined) return undefined;
  const low: Vector = volume === undefined ? [plane!.offset.x, 0, plane!.offset.y] : [volume.offset.x, volume.offset.y, volume.offset.z];
  const reach: Vector =
    volume === undefined ? [plane!.extent.width, 0, plane!.extent.height] : [volume.extent.width, volume.extent.height, volume.extent.depth];
  const corners = Array.from({ length: 8 }, (_, i) =>
    turn([q.x, q.y, q.z, q.w], [0, 1, 2].map((axis) => low[axis]! + ((i >> axis) & 1) * reach[axis]!) as unknown as Vector),
  );
  const anchor: Vector = [p.x, p.y, p.z];
  const least = [0, 1, 2].map((axis) => Math.min(...corners.map((corner) => corner[axis]!)) + anchor[axis]!);
  const most = [0, 1, 2].map((axis) => Math.max(...corners.map((corner) => corner[axis]!)) + anchor[axis]!);
  return {
    id: uuid,
    label,
    solid: volume !== undefined,
    anchor,
    position: least.map((low_, axis) => (low_ + most[axis]!) / 2),
    size: least.map((low_, axis) => most[axis]! - low_),
  };
}

function turn([x, y, z, w]: Quaternion, v: Vector): Vector {
  const [tx, ty, tz] = [2 * (y * v[2] - z * v[1]), 2 * (z * v[0] - x * v[2]), 2 * (x * v[1] - y * v[0])];
  return [v[0] + w * tx + y * tz - z * ty, v[1] + w * ty + z * tx - x * tz, v[2] + w * tz + x * ty - y * tx];
}
