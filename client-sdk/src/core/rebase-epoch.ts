/**
 * Which element of a re-rooted document is which element of the old one: ids say nothing across epochs, content does.
 *
 * [RE1] The new document is the old one as the room had it: without what this device has not saved. Where that is so, elements stand for each
 *       other one by one, and unsaved edits are made again exactly where they were meant.
 * [RE2] What others changed in between splits a text or list into the beginning and the end that still agree; elements between them have become
 *       of nobody, and edits beside them go beside the nearest one to the left that has.
 * [RE3] An element whose content is not known (deleted here by an earlier version of the SDK) stands for one only where lengths agree.
 */
import * as Y from "yjs";
import { OBJECTS_ROOT } from "@copresence/shared/scene";
import type { OutboxPart } from "./outbox.ts";
import { asWords, type Became, type Run } from "./rebase.ts";

type Sequence = Y.Text | Y.Array<unknown>;
type Element = { readonly client: number; readonly clock: number; /** Undefined: not known any more. */ readonly content: string | undefined };

/** What became of the elements of every text and list that unsaved edits change in place. */
export function acrossEpochs(before: Y.Doc, after: Y.Doc, unsaved: readonly OutboxPart[]): Became[] {
  const own = unsavedOf(unsaved);
  const paths = unsaved.flatMap(({ edits }) => edits.flatMap((edit) => (edit.kind === "sequence" ? [edit.path] : [])));
  const distinct = new Map(paths.map((path) => [JSON.stringify(path), path]));
  return [...distinct.values()].flatMap((path) => {
    const [old, fresh] = [sequenceAt(before, path), sequenceAt(after, path)];
    return old === undefined || fresh === undefined ? [] : match(elementsOf(old, own), elementsOf(fresh, undefined));
  });
}

function match(old: readonly Element[], fresh: readonly Element[]): Became[] {
  const whole = old.length === fresh.length;
  const same = (a: Element | undefined, b: Element | undefined): boolean =>
    a !== undefined && b !== undefined && (a.content === undefined ? whole : a.content === b.content);
  const shorter = Math.min(old.length, fresh.length);
  let head = 0;
  while (head < shorter && same(old[head], fresh[head])) head++;
  let tail = 0;
  while (tail < shorter - head && same(old[old.length - 1 - tail], fresh[fresh.length - 1 - tail])) tail++;
  return [...runs(old, fresh, 0, 0, head), ...runs(old, fresh, old.length - tail, fresh.length - tail, tail)];
}

/** Neighbours on both sides go together. */
function runs(old: readonly Element[], fresh: readonly Element[], from: number, to: number, count: number): Became[] {
  const found: { from: [number, number, number]; to: [number, number] }[] = [];
  for (let i = 0; i < count; i++) {
    const [a, b] = [old[from + i] as Element, fresh[to + i] as Element];
    const last = found.at(-1);
    const follows =
      last !== undefined &&
      last.from[0] === a.client &&
      last.from[1] + last.from[2] === a.clock &&
      last.to[0] === b.client &&
      last.to[1] + last.from[2] === b.clock;
    if (follows) last.from[2]++;
    else found.push({ from: [a.client, a.clock, 1], to: [b.client, b.clock] });
  }
  return found;
}

/** `deleted`: what the elements held, as far as is known. */
type Unsaved = { readonly made: ReadonlySet<string>; readonly deleted: ReadonlyMap<string, string | undefined> };
const keyOf = (client: number, clock: number): string => `${client}:${clock}`;

function unsavedOf(parts: readonly OutboxPart[]): Unsaved {
  const [made, deleted] = [new Set<string>(), new Map<string, string | undefined>()];
  for (const { update, edits } of parts) {
    const { structs, ds } = Y.decodeUpdate(update);
    for (const { id, length } of structs) for (let i = 0; i < length; i++) made.add(keyOf(id.client, id.clock + i));
    for (const [client, ranges] of ds.clients)
      for (const { clock, len } of ranges) for (let i = 0; i < len; i++) deleted.set(keyOf(client, clock + i), undefined);
    for (const edit of edits) if (edit.kind === "sequence") for (const part of edit.edits) if (part.kind === "erase") remember(part, deleted);
  }
  return { made, deleted };
}

function remember(
  { runs, taken = [] }: { readonly runs: readonly Run[]; readonly taken?: readonly string[] },
  deleted: Map<string, string | undefined>,
): void {
  const keys = runs.flatMap(([client, clock, length]) => Array.from({ length }, (_, i) => keyOf(client, clock + i)));
  for (const [index, key] of keys.entries()) deleted.set(key, taken[index]);
}

/** Live elements; with `own`, as they were without what is not saved. */
function elementsOf(sequence: Sequence, own: Unsaved | undefined): Element[] {
  const elements: Element[] = [];
  for (let item = sequence._start; item !== null; item = item.right) {
    const { client, clock } = item.id;
    const contents = item.deleted || !item.countable ? [] : (item.content.getContent() as unknown[]);
    for (let i = 0; i < item.length; i++) {
      const key = keyOf(client, clock + i);
      if (own?.made.has(key) === true) continue;
      if (item.deleted ? own?.deleted.has(key) !== true : !item.countable) continue;
      const content: unknown = contents[i];
      elements.push({ client, clock: clock + i, content: item.deleted ? own?.deleted.get(key) : asWords(content) });
    }
  }
  return elements;
}

function sequenceAt(doc: Y.Doc, path: readonly string[]): Sequence | undefined {
  let at: unknown = doc.getMap(OBJECTS_ROOT);
  for (const part of path) at = at instanceof Y.Map ? at.get(part) : undefined;
  return at instanceof Y.Text || at instanceof Y.Array ? at : undefined;
}
