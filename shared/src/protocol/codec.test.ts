import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeDown, decodeUp, encodeBody, encodeMessage, ENVELOPE_BYTES, maxBodyBytes, messageId, messageName, ROOM_DATA_BYTES } from "./codec.ts";
import type { Fields, Kind } from "./kinds.ts";
import { messagesOf } from "./message-arbitraries.ts";
import { LIMITS } from "./limits.ts";
import { type MessageName, type MessageOf, MESSAGES, type MessageSpec } from "./registry.ts";

const NAMES = Object.keys(MESSAGES) as MessageName[];
const specOf = (name: MessageName): MessageSpec => MESSAGES[name];
const decodeOf = (name: MessageName) => (MESSAGES[name].direction === "up" ? decodeUp : decodeDown);

/** A message with the smallest value of every field: the start from which the limit tests grow one field. */
function smallest(kind: Kind<unknown>): unknown {
  const { shape } = kind;
  switch (shape.form) {
    case "int":
    case "float":
      return 0;
    case "bool":
      return false;
    case "ident":
      return "a";
    case "text":
      return "";
    case "rest":
      return new Uint8Array(0);
    case "oneOf":
      return shape.values[0];
    case "list":
      return [];
    case "tuple":
      return Array.from({ length: shape.count }, () => smallest(shape.of));
    case "maybe":
      return null;
    case "record":
      return smallestFields(shape.fields);
  }
}
const smallestFields = (fields: Fields): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([field, kind]) => [field, smallest(kind)]));
const messageWith = (name: MessageName, field: string, value: unknown): MessageOf<MessageName> =>
  ({ type: name, ...smallestFields(specOf(name).fields), [field]: value }) as unknown as MessageOf<MessageName>;

describe("registry", () => {
  it("[PR1] gives every message an id of its own that fits Colyseus's one-byte message type", () => {
    const ids = NAMES.map(messageId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toSatisfy((n: number) => Number.isInteger(n) && n >= 0 && n < 128);
    for (const name of NAMES) expect(messageName(messageId(name))).toBe(name);
  });

  it("keeps every message from a client but `sync` below the transport's frame limit", () => {
    for (const name of NAMES) {
      if (MESSAGES[name].direction === "up" && name !== "sync") expect(maxBodyBytes(name) + ENVELOPE_BYTES).toBeLessThanOrEqual(LIMITS.messageBytes);
    }
  });

  it("has `rest` fields only at the end, where they can be", () => {
    for (const name of NAMES) {
      const kinds = Object.values(specOf(name).fields);
      for (const kind of kinds.slice(0, -1)) expect(kind.shape.form).not.toBe("rest");
    }
  });
});

describe.each(NAMES)("%s", (name) => {
  const id = messageId(name);
  const decode = decodeOf(name);
  const other = MESSAGES[name].direction === "up" ? decodeDown : decodeUp;

  it("round-trips every valid value within its stated size", () => {
    fc.assert(
      fc.property(messagesOf(name), (message) => {
        const bytes = encodeMessage(message);
        expect([bytes[0], bytes[1]]).toEqual([ROOM_DATA_BYTES, id]);
        const body = bytes.subarray(ENVELOPE_BYTES);
        expect(body).toEqual(encodeBody(message));
        expect(body.length).toBeLessThanOrEqual(maxBodyBytes(name));
        expect(decode(id, body)).toEqual({ ok: true, value: message });
      }),
      { numRuns: 60 },
    );
  });

  it("refuses every strict prefix and every suffix, unless the message ends in free bytes", () => {
    const endsFree = Object.values(specOf(name).fields).at(-1)?.shape.form === "rest";
    fc.assert(
      fc.property(messagesOf(name), fc.nat(), (message, at) => {
        const body = encodeBody(message);
        if (endsFree) return;
        expect(decode(id, body.subarray(0, at % body.length)).ok).toBe(false);
        expect(decode(id, Uint8Array.of(...body, 0)).ok).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it("answers mutated and random bytes with a value, and what it accepts is canonical data within bounds", () => {
    const mutated = fc
      .tuple(messagesOf(name), fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }))
      .map(([message, edits]) => {
        const body = encodeBody(message);
        for (const [at, byte] of edits) if (body.length > 0) body[at % body.length] = byte;
        return body;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), (body) => {
        const result = decode(id, body);
        if (!result.ok) {
          expect(result.error.message).toBe(name);
          expect(result.error.offset).toBeLessThanOrEqual(body.length);
          return;
        }
        const again = encodeBody(result.value);
        expect(again.length).toBeLessThanOrEqual(maxBodyBytes(name));
        expect(decode(id, again)).toEqual(result);
      }),
      { numRuns: 150 },
    );
  });

  it("is refused from the wrong side, and above its size before anything is read", () => {
    const body = encodeBody(messageWith(name, "", undefined));
    expect(other(id, body)).toMatchObject({ ok: false, error: { fault: "wrong-direction" } });
    const tooLong = new Uint8Array(maxBodyBytes(name) + 1);
    expect(decode(id, tooLong)).toMatchObject({ ok: false, error: { fault: "too-long", offset: 0 } });
  });

  const bounded = Object.entries(specOf(name).fields).filter(([, kind]) => ["text", "rest", "list"].includes(kind.shape.form));
  it.each(bounded)("P20: takes `%s` at max-1 and max, refuses it at max+1", (field, kind) => {
    const { shape } = kind;
    if (shape.form !== "text" && shape.form !== "rest" && shape.form !== "list") return;
    const sized = (n: number): unknown => {
      if (shape.form === "list") return Array.from({ length: n }, () => smallest(shape.of));
      return shape.form === "text" ? "x".repeat(n) : new Uint8Array(n).fill(1);
    };
    // A document of 32 MiB is built twice for the exact bound of `syncDown`; everything else is small.
    for (const n of [shape.max - 1, shape.max]) expect(decode(id, encodeBody(messageWith(name, field, sized(n)))).ok).toBe(true);
    expect(decode(id, encodeBody(messageWith(name, field, sized(shape.max + 1))))).toMatchObject({ ok: false, error: { fault: "too-long" } });
  });
});

describe("hostile values", () => {
  it("knows no other message ids", () => {
    for (let id = 0; id < 256; id++) {
      if (messageName(id) !== undefined) continue;
      for (const decode of [decodeUp, decodeDown]) {
        expect(decode(id, new Uint8Array(8))).toEqual({ ok: false, error: { fault: "unknown-message", message: "unknown", offset: 0 } });
      }
    }
  });

  it.each(["../x", "", "__proto__", "constructor", "a b", "a\r\nb", "a\0b", "é", "x".repeat(65)])("refuses the identifier %j", (object) => {
    const body = encodeBody(messageWith("grab", "object", object));
    expect(decodeUp(messageId("grab"), body).ok).toBe(false);
  });

  it("refuses NUL in text, text that is not UTF-8, booleans that are not 0 or 1, non-finite floats and unknown choices", () => {
    expect(decodeUp(messageId("chat"), encodeBody({ type: "chat", ref: 1, text: "a\0b" }))).toMatchObject({ error: { fault: "bad-value" } });
    expect(decodeUp(messageId("chat"), Uint8Array.of(1, 0, 2, 0xc3, 0x28))).toMatchObject({ error: { fault: "bad-utf8" } });
    for (const value of [NaN, Infinity, -Infinity]) {
      expect(decodeUp(messageId("ping"), encodeBody({ type: "ping", clientTimeMs: value }))).toMatchObject({ error: { fault: "bad-value" } });
    }
    expect(decodeUp(messageId("presence"), Uint8Array.of(2))).toMatchObject({ error: { fault: "bad-value" } });
    const search = encodeBody({ type: "search", ref: 1, text: "", limit: 1, withinM: 0, types: [], from: null });
    search[search.length - 1] = 2;
    expect(decodeUp(messageId("search"), search)).toMatchObject({ error: { fault: "bad-value" } });
  });

  it("does not let a list's count make it allocate: four billion items are refused at the count", () => {
    const body = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f);
    expect(decodeUp(messageId("poseNack"), body)).toMatchObject({ error: { fault: "too-long" } });
  });
});
