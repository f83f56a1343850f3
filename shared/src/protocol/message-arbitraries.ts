/**
 * For tests: fast-check arbitraries invented from the registry's own kinds, so that a new message is fuzzed the moment it is declared.
 */
import fc, { type Arbitrary } from "fast-check";
import { utf8ByteLength } from "lib0/string";
import { isIdentifier } from "../base/index.ts";
import type { Fields, Kind } from "./kinds.ts";
import { type MessageName, type MessageOf, MESSAGES, type MessageSpec } from "./registry.ts";

/** Long blobs prove nothing that short ones do not; bounds have tests of their own. */
const BLOB_BYTES = 200;
const ITEMS = 12;

const GRAMMAR = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"];

/** Valid values of `kind`, edges included. */
function valuesOf(kind: Kind<unknown>): Arbitrary<unknown> {
  const { shape } = kind;
  switch (shape.form) {
    case "int":
      return fc.oneof(fc.integer({ min: shape.min, max: shape.max }), fc.constantFrom(shape.min, shape.max, 0));
    case "float":
      return (shape.bits === 32 ? fc.float : fc.double)({ noNaN: true, noDefaultInfinity: true });
    case "bool":
      return fc.boolean();
    case "ident":
      return fc.string({ unit: fc.constantFrom(...GRAMMAR), minLength: 1, maxLength: 64 }).filter(isIdentifier);
    case "text":
      return fc
        .string({ unit: "binary", maxLength: Math.min(shape.max, BLOB_BYTES) })
        .map((value) => cutToBytes(value.replaceAll("\0", " "), shape.max));
    case "rest":
      return fc.uint8Array({ maxLength: Math.min(shape.max, BLOB_BYTES) });
    case "oneOf":
      return fc.constantFrom(...shape.values);
    case "list":
      return fc.array(valuesOf(shape.of), { maxLength: Math.min(shape.max, ITEMS) });
    case "tuple":
      return fc.array(valuesOf(shape.of), { minLength: shape.count, maxLength: shape.count });
    case "maybe":
      return fc.option(valuesOf(shape.of), { nil: null });
    case "record":
      return fc.record(fieldValues(shape.fields));
  }
}

/** Valid messages of one name. */
export function messagesOf<N extends MessageName>(name: N): Arbitrary<MessageOf<N>> {
  const spec: MessageSpec = MESSAGES[name];
  return fc.record({ type: fc.constant(name), ...fieldValues(spec.fields) }) as Arbitrary<unknown> as Arbitrary<MessageOf<N>>;
}

const fieldValues = (fields: Fields): Record<string, Arbitrary<unknown>> =>
  Object.fromEntries(Object.entries(fields).map(([field, kind]) => [field, valuesOf(kind)]));

/** At most `max` bytes of UTF-8, never half a character. */
function cutToBytes(value: string, max: number): string {
  let bytes = 0;
  let kept = "";
  for (const character of value) {
    bytes += utf8ByteLength(character);
    if (bytes > max) break;
    kept += character;
  }
  return kept;
}
