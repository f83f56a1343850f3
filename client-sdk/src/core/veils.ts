/** Text fields that moderation hid, as the session plane tells. */
import type { Veil } from "./space-types.ts";

export class VeilStore {
  private readonly veils = new Map<string, { readonly author: string; readonly reason: string }>();

  set(object: string, field: string, author: string, reason: string): void {
    this.veils.set(keyOf(object, field), { author, reason });
  }

  remove(object: string, field: string): void {
    this.veils.delete(keyOf(object, field));
  }

  clear(): void {
    this.veils.clear();
  }

  get(object: string, field: string, reader: string): Veil | undefined {
    const veil = this.veils.get(keyOf(object, field));
    return veil === undefined ? undefined : { reason: veil.reason, mine: veil.author === reader };
  }
}

/** Identifiers have no slash. */
const keyOf = (object: string, field: string): string => `${object}/${field}`;
