/**
 * From applied updates to what the pipeline reads: which objects changed, appeared, went, and which texts people wrote.
 *
 * [CL1] An event describes durable state only, at the version of the record that caused it; versions rise with the log.
 * [CL2] A text event names its author; every field that shows words to others is judged (`text`, and `lww`/`cas` strings).
 */
import { OBJECTS_ROOT, type ObjectTransform, objectIds, objectsRoot, readObject, type Scene } from "@copresence/shared/scene";
import * as Y from "yjs";
import type { PipelineEvent } from "../types.ts";

/** Fields that name an object, best first; otherwise its first text, otherwise its type. */
const LABEL_FIELDS = ["label", "name", "title"];
/** Fields that say where an object belongs. */
const ROOM_FIELDS = ["room", "zone"];
/** Number fields that say how large an object is along x, y, z, in metres before its scale. */
const SIZE_FIELDS = ["width", "height", "depth"];
const MAX_TAGS = 32;

export class ChangeLog {
  private readonly scene: Scene;
  private readonly doc: Y.Doc;
  private readonly touched = new Map<string, Set<string>>();

  constructor(scene: Scene, doc: Y.Doc) {
    this.scene = scene;
    this.doc = doc;
  }

  /** Starts listening; before that, loading is silent. */
  start(): void {
    objectsRoot(this.doc).observeDeep((events) => {
      for (const event of events) this.note(event);
    });
  }

  /** Events of everything applied since the last call. */
  take(version: number, user: string): PipelineEvent[] {
    const events: PipelineEvent[] = [];
    for (const [object, fields] of this.touched) events.push(...this.describe(object, fields, version, user));
    this.touched.clear();
    return events;
  }

  /** The whole scene as events, for a pipeline that starts with nothing. Authors are not known any more. */
  everything(version: number): PipelineEvent[] {
    return objectIds(this.doc).flatMap((object) => this.describe(object, undefined, version, ""));
  }

  private note(event: Y.YEvent<Y.AbstractType<unknown>>): void {
    const [object, field] = event.path;
    const keys: Iterable<string> = event instanceof Y.YMapEvent ? [...event.keysChanged].map(String) : [];
    if (object === undefined) for (const key of keys) this.mark(key, undefined);
    else if (field === undefined) for (const key of keys) this.mark(String(object), key);
    else this.mark(String(object), String(field));
  }

  /** `field` undefined: the object as a whole appeared or went. */
  private mark(object: string, field: string | undefined): void {
    let fields = this.touched.get(object);
    if (fields === undefined) this.touched.set(object, (fields = new Set()));
    fields.add(field ?? OBJECTS_ROOT);
  }

  private describe(object: string, fields: ReadonlySet<string> | undefined, version: number, user: string): PipelineEvent[] {
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
