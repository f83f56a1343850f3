/**
 * Identifiers. One grammar at every entry (PROMISES.md, threats): what does not match never becomes a key,
 * a file name, a log field or a metric label. Names people choose (display names, labels) are text, not identifiers.
 */
declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** Colyseus session id of one connection; never reused. */
export type SessionId = Branded<string, "SessionId">;
/** Stable id of a person, from the ticket's `sub`. */
export type UserId = Branded<string, "UserId">;
/** Id of a shared object in a scene. */
export type ObjectId = Branded<string, "ObjectId">;
/** Id of a space (one authoritative room, one scene document). */
export type SpaceId = Branded<string, "SpaceId">;
/** Room tick, counted from the room's start; 32 bits. Room time in ms is `tick * 1000 / tickRateHz`. */
export type Tick = Branded<number, "Tick">;
/** Dense index of a person in the room's structure-of-arrays, 0..MAX_PEOPLE-1; reused after leave. */
export type Slot = Branded<number, "Slot">;

export const IDENTIFIER = /^[A-Za-z0-9_-]{1,64}$/;
/** Names that would be dangerous as object keys even though the grammar admits them. */
const RESERVED = new Set(["__proto__", "constructor", "prototype", "hasOwnProperty", "toString", "valueOf"]);

/** True when `value` may be used as an identifier. Never throws. */
export function isIdentifier(value: unknown): value is string {
  return typeof value === "string" && IDENTIFIER.test(value) && !RESERVED.has(value);
}
