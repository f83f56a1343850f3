/**
 * Recorded editing sessions as Yjs updates of the sketch scene (bench/README.md says where they come from): texts with the order in which their
 * authors saw each other's edits, drawings stroke by stroke.
 *
 * [RE1] An author's update is made on exactly what that author had seen, so its positions mean what they meant; `needs` says what that was.
 * [RE2] Consecutive edits that saw nothing new are one step, at most STEP_EDITS: what an SDK sends in one message.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createObject, listField, objectMap, textField } from "@copresence/shared/scene";
import * as Y from "yjs";
import { sketch } from "./sketch-scene.ts";

/** `needs`: for each other author, how many of their steps this one was made on. */
export type Step = { readonly author: number; readonly update: Uint8Array; readonly needs: readonly number[]; readonly edits: number };
export type Recording = {
  readonly name: string;
  /** Yjs clientID of each author. */
  readonly clients: readonly number[];
  readonly steps: readonly Step[];
  /** `toJSON` of the objects it makes, as a single document with all steps has them. */
  readonly objects: Readonly<Record<string, unknown>>;
  readonly edits: number;
  /** The text as the recording says it ended; undefined for drawings. */
  readonly endContent: string | undefined;
};

const STEP_EDITS = 50;

/** Recordings below `folder`, or none where there is no such folder. `limit`: edits of each. */
export function readRecordings(folder: string, limit = Number.POSITIVE_INFINITY): Recording[] {
  const files = (kind: string): string[] =>
    existsSync(`${folder}/${kind}`)
      ? readdirSync(`${folder}/${kind}`)
          .sort()
          .map((name) => `${folder}/${kind}/${name}`)
      : [];
  const text = files("text").map((file) => readText(nameOf(file), unpack(file), limit));
  return [...text, ...files("drawings").map((file) => readDrawing(nameOf(file), unpack(file), limit))];
}

const unpack = (file: string): string => gunzipSync(readFileSync(file)).toString();
const nameOf = (file: string): string => (file.split("/").at(-1) ?? "").replace(/\..*$/, "");

type Patch = readonly [at: number, deleted: number, inserted: string];
type Transaction = { readonly parents?: readonly number[]; readonly agent?: number; readonly patches: readonly Patch[] };

function readText(name: string, json: string, limit: number): Recording {
  const trace = JSON.parse(json) as { startContent?: string; endContent: string; numAgents?: number; txns: readonly Transaction[] };
  const txns = trace.txns.slice(0, limit);
  const writer = new Writer(name, trace.numAgents ?? 1, (doc) => createObject(doc, sketch, "page", name, { body: trace.startContent ?? "" }));
  for (const [index, { parents = index === 0 ? [] : [index - 1], agent = 0, patches }] of txns.entries()) {
    writer.write(agent, index, parents, (doc) => {
      const text = textField(doc, name, "body") as Y.Text;
      for (const [at, deleted, inserted] of patches) {
        if (deleted > 0) text.delete(at, deleted);
        if (inserted !== "") text.insert(at, inserted);
      }
    });
  }
  return { ...writer.finish(txns.length), endContent: txns.length === trace.txns.length ? trace.endContent : undefined };
}

/** ["b", ms, stroke, brush, colour, size], ["p", ms, stroke, ...pose], ["e", ms, stroke] */
function readDrawing(name: string, lines: string, limit: number): Recording {
  const events = lines
    .trim()
    .split("\n")
    .slice(0, limit)
    .map((line) => JSON.parse(line) as [string, number, number, ...unknown[]]);
  const writer = new Writer(name, 1, () => undefined);
  for (const [index, [kind, , stroke, ...rest]] of events.entries()) {
    if (kind !== "b" && kind !== "p") continue;
    const id = `${name}-${stroke}`;
    writer.write(0, index, [], (doc) => {
      if (kind === "b") createObject(doc, sketch, "stroke", id, { brush: String(rest[0]), color: String(rest[1]) });
      else listField(doc, id, "points")?.push([rest.join(" ")]);
    });
  }
  return { ...writer.finish(events.length), endContent: undefined };
}

/** One replica per author; each is brought up to what its author had seen before it writes. */
class Writer {
  private readonly name: string;
  private readonly docs: Y.Doc[];
  private readonly steps: Step[] = [];
  /** Step that holds a transaction. */
  private readonly stepOf = new Map<number, number>();
  /** By author, then by other author: how many of their steps are in the replica. */
  private readonly seen: number[][];
  private readonly byAuthor: number[][];
  /** Which of its author's steps a step is, from 0. */
  private readonly ordinals: number[] = [];
  private open: { author: number; before: Uint8Array; needs: number[]; edits: number } | undefined;

  constructor(name: string, authors: number, begin: (doc: Y.Doc) => void) {
    this.name = name;
    this.docs = Array.from({ length: authors }, (_, index) => {
      const doc = new Y.Doc();
      doc.clientID = hash(`${name} ${index}`);
      return doc;
    });
    this.seen = this.docs.map(() => this.docs.map(() => 0));
    this.byAuthor = this.docs.map(() => []);
    this.begin(0);
    begin(this.docs[0] as Y.Doc);
    this.close();
    for (let author = 1; author < authors; author++) this.see(author, 0);
  }

  write(author: number, transaction: number, parents: readonly number[], change: (doc: Y.Doc) => void): void {
    const { open } = this;
    const foreign = parents.filter((parent) => !this.isSeen(author, parent));
    if (open === undefined || open.author !== author || foreign.length > 0 || open.edits >= STEP_EDITS) {
      this.close();
      for (const parent of foreign) this.see(author, this.stepOf.get(parent) as number);
      this.begin(author);
    }
    const doc = this.docs[author] as Y.Doc;
    doc.transact(() => change(doc));
    (this.open as { edits: number }).edits++;
    this.stepOf.set(transaction, this.steps.length);
  }

  finish(edits: number): Omit<Recording, "endContent"> {
    this.close();
    const all = new Y.Doc();
    for (const { update } of this.steps) Y.applyUpdate(all, update);
    return { name: this.name, clients: this.docs.map(({ clientID }) => clientID), steps: this.steps, objects: all.getMap("objects").toJSON(), edits };
  }

  private isSeen(author: number, transaction: number): boolean {
    const step = this.stepOf.get(transaction) as number;
    if (step === this.steps.length) return this.open?.author === author;
    return this.ordinals[step]! < this.seen[author]![this.steps[step]!.author]!;
  }

  /** A step, and all it was made on: of each author a beginning of what they wrote. */
  private see(author: number, step: number): void {
    const seen = this.seen[author]!;
    const other = this.steps[step]!.author;
    for (let ordinal = seen[other]!; ordinal <= this.ordinals[step]!; ordinal = seen[other]!) {
      const next = this.byAuthor[other]![ordinal]!;
      for (const [third, count] of this.steps[next]!.needs.entries()) if (count > seen[third]!) this.see(author, this.byAuthor[third]![count - 1]!);
      Y.applyUpdate(this.docs[author]!, this.steps[next]!.update);
      seen[other] = ordinal + 1;
    }
  }

  private begin(author: number): void {
    this.open = { author, before: Y.encodeStateVector(this.docs[author]!), needs: [...this.seen[author]!], edits: 0 };
  }

  private close(): void {
    if (this.open === undefined) return;
    const { author, before, needs, edits } = this.open;
    this.open = undefined;
    const update = Y.encodeStateAsUpdate(this.docs[author]!, before);
    const step = this.steps.push({ author, update, needs, edits }) - 1;
    this.ordinals.push(this.byAuthor[author]!.push(step) - 1);
    this.seen[author]![author] = this.byAuthor[author]!.length;
  }
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const letter of text) value = Math.imul(value ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}

/** The text of a page in a document, for comparing. */
export const pageText = (doc: Y.Doc, name: string): string => (objectMap(doc, name)?.get("body") as Y.Text | undefined)?.toString() ?? "";
