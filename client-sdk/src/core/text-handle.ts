/**
 * One collaborative text of one object. A view by name, not a pointer: it survives a replaced document.
 */
import type { Text as YText } from "yjs";
import { isPlace, isRange } from "./field-handles.ts";
import type { TextHandle } from "./space-types.ts";

export type TextPorts = {
  readonly find: () => YText | undefined;
  /** False, with a `denied` event, where the role may not edit. */
  readonly mayEdit: () => boolean;
  /** False, with a `denied` event, where a text of this length would be refused. */
  readonly hasRoom: (length: number) => boolean;
};

export class TextView implements TextHandle {
  private readonly ports: TextPorts;

  constructor(ports: TextPorts) {
    this.ports = ports;
  }

  get ytext(): YText | undefined {
    return this.ports.find();
  }

  get length(): number {
    return this.ports.find()?.length ?? 0;
  }

  toString(): string {
    return this.ports.find()?.toString() ?? "";
  }

  insert(index: number, text: string): void {
    const ytext = this.ports.find();
    if (ytext === undefined) return;
    mustBeText(text);
    if (!isPlace(index, ytext.length)) throw new RangeError(`the text has ${ytext.length} characters; nothing can be put at ${index}`);
    if (text !== "" && this.ports.hasRoom(ytext.length + text.length) && this.ports.mayEdit()) ytext.insert(index, text);
  }

  delete(index: number, length: number): void {
    const ytext = this.ports.find();
    if (ytext === undefined) return;
    if (!isRange(index, length, ytext.length))
      throw new RangeError(`the text has ${ytext.length} characters; ${length} at ${index} cannot be taken out`);
    if (length > 0 && this.ports.mayEdit()) ytext.delete(index, length);
  }

  replace(text: string): void {
    const ytext = this.ports.find();
    if (ytext === undefined) return;
    mustBeText(text);
    const before = ytext.toString();
    const { start, removed, inserted } = difference(before, text);
    if (removed === 0 && inserted === "") return;
    if (!this.ports.hasRoom(text.length) || !this.ports.mayEdit()) return;
    ytext.doc?.transact(() => {
      if (removed > 0) ytext.delete(start, removed);
      if (inserted !== "") ytext.insert(start, inserted);
    });
  }
}

function mustBeText(text: unknown): void {
  if (typeof text !== "string" || text.includes("\0")) throw new RangeError("a text takes a string without NUL characters");
}

/** The one replacement that turns `before` into `after`: common ends stay, and no surrogate pair is cut in half. */
export function difference(before: string, after: string): { readonly start: number; readonly removed: number; readonly inserted: string } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  if (start > 0 && isHighSurrogate(before, start - 1)) start--;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  if (end > 0 && isLowSurrogate(before, before.length - end)) end--;
  return { start, removed: before.length - end - start, inserted: after.slice(start, after.length - end) };
}

const isHighSurrogate = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xd800;
const isLowSurrogate = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;
