/**
 * From applied updates to what the pipeline reads: which objects changed, appeared, went, and which texts people wrote.
 *
 * [CL1] An event describes durable state only, at the version of the newest record; versions rise with the log.
 * [CL2] A text event names its author, one for each of several; every field that shows words to others is judged (`text`, and `lww`/`cas`
 *       strings).
 * [CL3] That an object appeared or went is told at once. Changes of its fields are told once per tick (`tell`), however many there were:
 *       describing an object costs as much as reading all of it, and readers keep the newest only.
 */
import { OBJECTS_ROOT, type ObjectTransform, objectIds, readObject, type Scene } from "@copresence/shared/scene";
import type * as Y from "yjs";
import type { PipelineEvent } from "../types.ts";
import type { Place } from "./places.ts";

/** Fields that name an object, best first; otherwise its first text, otherwise its type. */
const LABEL_FIELDS = ["label", "name", "title"];
/** Fields that say where an object belongs. */
const ROOM_FIELDS = ["room", "zone"];
/** Number fields that say how large an object is along x, y, z, in metres before its scale. */
const SIZE_FIELDS = ["width", "height", "depth"];
const MAX_TAGS = 32;

/** What the pipeline reads, and the users whose edits it tells of. */
export type Told = { readonly event: PipelineEvent; readonly by: readonly string[] };

/** `OBJECTS_ROOT` stands for the object as a whole. */
type Touched = Map<string, Set<string>>;

export class ChangeLog {
  private readonly scene: Scene;
  private readonly doc: Y.Doc;
  /** Objects, their changed fields, who changed them. */
  private readonly touched = new Map<string, Touched>();
  private whole: string[] = [];

  constructor(scene: Scene, doc: Y.Doc) {
    this.scene = scene;
    this.doc = doc;
  }

  /** An applied update of `user` changed these places. */
  note(places: Iterable<Place>, user: string): void {
    for (const place of places) {
      if (place.at === "root" || place.at === "object" || place.at === "inside") {
        this.mark(place.object, place.at === "root" ? OBJECTS_ROOT : place.field, user);
      }
    }
  }

  /** Events of the objects that appeared or went since the last call. */
  tellWhole(version: number): Told[] {
    if (this.whole.length === 0) return [];
    const events = this.whole.flatMap((object) => this.take(object, version));
    this.whole = [];
    return events;
  }

  /** Events of everything that was noted and not told. */
  tell(version: number): Told[] {
    if (this.touched.size === 0) return [];
    this.whole = [];
    return [...this.touched.keys()].flatMap((object) => this.take(object, version));
  }

  /** The whole scene as events, for a pipeline that starts with nothing. Authors are not known any more. */
  everything(version: number): PipelineEvent[] {
    return objectIds(this.doc).flatMap((object) => this.describe(object, undefined, version));
  }

  private take(object: string, version: number): Told[] {
    const touched = this.touched.get(object);
    if (touched === undefined) return [];
    this.touched.delete(object);
    const by = [...new Set([...touched.values()].flatMap((users) => [...users]))];
    return this.describe(object, touched, version).map((event) => ({ event, by }));
  }

  private mark(object: string, field: string, user: string): void {
    let fields = this.touched.get(object);
    if (fields === undefined) this.touched.set(object, (fields = new Map()));
    let users = fields.get(field);
    if (users === undefined) {
      fields.set(field, (users = new Set()));
      if (field === OBJECTS_ROOT) this.whole.push(object);
    }
    users.add(user);
  }

  private describe(object: string, fields: Touched | undefined, version: number): PipelineEvent[] {
    const plain = readObject(this.doc, this.scene, object);
    if (plain === undefined) return [{ kind: "objectGone", object, version }];
    const spec = this.scene.objects[plain.type] ?? {};
    const texts = new Map<string, string>();
    let color = "";
    for (const [name, { policy, value }] of Object.entries(spec)) {
      const stored = plain.fields[name];
      if (typeof stored !== "string") continue;
      if (value === "color") color ||= stored;
      else if (policy === "text" || value === "string") texts.set(name, stored);
    }
    const label = LABEL_FIELDS.map((name) => texts.get(name)).find((words) => words !== undefined && words !== "");
    const rest = plain.fields["transform"] as ObjectTransform | undefined;
    const size = sizeOf(plain.fields, rest?.scale ?? 1);
    const tags = tagsOf(plain.fields);
    const room = ROOM_FIELDS.map((name) => texts.get(name)).find((words) => words !== undefined && words !== "");
    const events: PipelineEvent[] = [
      {
        kind: "object",
        object,
        version,
        type: plain.type,
        label: label ?? [...texts.values()].find((words) => words !== "") ?? plain.type,
        text: [...texts.values()].filter((words) => words !== "").join("\n"),
        position: rest === undefined ? [0, 0, 0] : [...rest.position],
        sizeM: rest?.scale ?? 1,
        color,
        ...(size === undefined ? {} : { size }),
        ...(tags.length === 0 ? {} : { tags }),
        ...(room === undefined ? {} : { room }),
      },
    ];
    const whole = fields === undefined || fields.has(OBJECTS_ROOT);
    for (const [field, text] of texts) {
      if (!(fields?.has(field) ?? whole) && !whole) continue;
      // A text that became empty is told too: a veil over it has nothing left to hide.
      if (whole && text === "") continue;
      for (const user of fields?.get(field) ?? fields?.get(OBJECTS_ROOT) ?? [""])
        events.push({ kind: "text", subject: { kind: "field", object, field }, version, user, text });
    }
    return events;
  }
}

/** Extents in metres where the object says all three. */
function sizeOf(fields: Readonly<Record<string, unknown>>, scale: number): number[] | undefined {
  const size = SIZE_FIELDS.map((name) => fields[name]);
  return size.every((metres) => typeof metres === "number" && metres > 0) ? size.map((metres) => (metres as number) * scale) : undefined;
}

/** What is true of it: names of switches that are on ("open"), and the words of lists and sets. */
function tagsOf(fields: Readonly<Record<string, unknown>>): string[] {
  const tags = Object.entries(fields).flatMap(([name, value]) => {
    if (value === true) return [name];
    return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string" && item !== "") : [];
  });
  return tags.slice(0, MAX_TAGS);
}
