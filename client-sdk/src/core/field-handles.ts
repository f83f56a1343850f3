/**
 * Lists, sets and counters of one object as the application holds them: views by name, which survive a replaced document. Writes go through what
 * may be edited here (object-handle.ts, [OH2]); each method is one edit.
 */
import type { Array as YArray } from "yjs";
import type { CounterHandle, ListHandle, SetHandle } from "./space-types.ts";

export type ListPorts = {
  readonly find: () => YArray<unknown> | undefined;
  readonly mayEdit: () => boolean;
  readonly fits: (item: unknown) => boolean;
  /** False, with a `denied` event, where a list of this many items would be refused. */
  readonly hasRoom: (size: number) => boolean;
};

export class ListView implements ListHandle<unknown> {
  private readonly ports: ListPorts;

  constructor(ports: ListPorts) {
    this.ports = ports;
  }

  get length(): number {
    return this.ports.find()?.length ?? 0;
  }
  get yarray(): YArray<unknown> | undefined {
    return this.ports.find();
  }
  toArray(): readonly unknown[] {
    return this.ports.find()?.toArray() ?? [];
  }
  at(index: number): unknown {
    return this.toArray().at(index);
  }
  [Symbol.iterator](): Iterator<unknown> {
    return this.toArray()[Symbol.iterator]();
  }
  push(...items: readonly unknown[]): void {
    this.insert(this.length, ...items);
  }
  insert(index: number, ...items: readonly unknown[]): void {
    const { find, mayEdit, fits, hasRoom } = this.ports;
    if (!items.every(fits)) throw new RangeError("an item is of another type than the list's");
    const list = find();
    if (list === undefined) return;
    if (!isPlace(index, list.length)) throw new RangeError(`the list has ${list.length} items; none can be put at ${index}`);
    if (items.length > 0 && hasRoom(list.length + items.length) && mayEdit()) find()?.insert(index, [...items]);
  }
  delete(index: number, length = 1): void {
    const { find, mayEdit } = this.ports;
    const list = find();
    if (list === undefined) return;
    if (!isRange(index, length, list.length)) throw new RangeError(`the list has ${list.length} items; ${length} at ${index} cannot be taken out`);
    if (length > 0 && mayEdit()) find()?.delete(index, length);
  }
}

/** Whether something can be put at `index` of a sequence; Yjs would take fractions, and break. */
export const isPlace = (index: number, size: number): boolean => Number.isInteger(index) && index >= 0 && index <= size;
/** Whether a sequence has these elements. */
export const isRange = (index: number, length: number, size: number): boolean =>
  isPlace(index, size) && Number.isInteger(length) && length >= 0 && index + length <= size;

export type SetPorts = { readonly read: () => readonly string[]; readonly write: (element: string, present: boolean) => void };

export class SetView implements SetHandle {
  private readonly ports: SetPorts;

  constructor(ports: SetPorts) {
    this.ports = ports;
  }

  get size(): number {
    return this.ports.read().length;
  }
  has(element: string): boolean {
    return this.ports.read().includes(element);
  }
  [Symbol.iterator](): Iterator<string> {
    return this.ports.read()[Symbol.iterator]();
  }
  add(element: string): void {
    this.ports.write(element, true);
  }
  delete(element: string): void {
    this.ports.write(element, false);
  }
}

export class CounterView implements CounterHandle {
  private readonly read: () => number;
  private readonly write: (by: number) => void;

  constructor(read: () => number, write: (by: number) => void) {
    this.read = read;
    this.write = write;
  }

  get value(): number {
    return this.read();
  }
  add(by = 1): void {
    this.write(by);
  }
}
