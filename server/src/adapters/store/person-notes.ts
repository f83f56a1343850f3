/**
 * People in a scene's notes: who a note names, and the note without them. A note that begins to name people is added here, or an erasure
 * says that it could not clean it.
 */
import { PERMISSIONS_NOTE } from "../../core/note-keys.ts";

/** A permission rule as it is stored. */
export type RuleNote = Readonly<Record<string, unknown>>;
type Rules = { readonly format: 1; readonly rules: readonly RuleNote[] };

/** Rules about one person in a note; undefined when the note is none that can be read. */
export function rulesNaming(key: string, bytes: Uint8Array, user: string): readonly RuleNote[] | undefined {
  return readRules(key, bytes)?.rules.filter((rule) => names(rule, user));
}

/** The note without the rules about a person; undefined when the note is none that can be read. */
export function withoutPerson(key: string, bytes: Uint8Array, user: string): Uint8Array | undefined {
  const read = readRules(key, bytes);
  return read && new TextEncoder().encode(JSON.stringify({ ...read, rules: read.rules.filter((rule) => !names(rule, user)) }));
}

export const mentions = (bytes: Uint8Array, user: string): boolean => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(user);

const names = (rule: RuleNote, user: string): boolean => rule["to"] === "user" && rule["who"] === user;

function readRules(key: string, bytes: Uint8Array): Rules | undefined {
  if (key !== PERMISSIONS_NOTE) return undefined;
  try {
    const note = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Partial<Rules>;
    return note.format === 1 && Array.isArray(note.rules) ? (note as Rules) : undefined;
  } catch {
    return undefined;
  }
}
