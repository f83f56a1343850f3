/**
 * One collaborative text of one object. A view by name, not a pointer: it survives a replaced document.
 */
import type { Text as YText } from "yjs";
import type { TextHandle } from "./space-types.ts";

export class TextView implements TextHandle {
  private readonly find: () => YText | undefined;
  /** False, with a `denied` event, where the role may not edit. */
  private readonly mayEdit: () => boolean;

  constructor(find: () => YText | undefined, mayEdit: () => boolean) {
    this.find = find;
    this.mayEdit = mayEdit;
  }

  get ytext(): YText | undefined {
    return this.find();
  }

  get length(): number {
    return this.find()?.length ?? 0;
  }

  toString(): string {
    return this.find()?.toString() ?? "";
  }

  insert(index: number, text: string): void {
    if (this.mayEdit()) this.find()?.insert(index, text);
  }

  delete(index: number, length: number): void {
    if (this.mayEdit()) this.find()?.delete(index, length);
  }

  replace(text: string): void {
    const ytext = this.find();
    if (ytext === undefined || !this.mayEdit()) return;
    const before = ytext.toString();
    const { start, removed, inserted } = difference(before, text);
    if (removed === 0 && inserted === "") return;
    ytext.doc?.transact(() => {
      if (removed > 0) ytext.delete(start, removed);
      if (inserted !== "") ytext.insert(start, inserted);
    });
  }
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
