/**
 * Golden vectors: whole messages of version 1 as bytes, with the values they must decode to. They are what an old client still sends.
 * To add one, append it to the file with an empty `hex`; the failure prints the bytes. Never change one that is there.
 */
import { describe, expect, it } from "vitest";
import { decodeDown, decodeUp, encodeMessage, ENVELOPE_BYTES, messageId, ROOM_DATA_BYTES } from "./codec.ts";
import v1 from "./golden/v1.json" with { type: "json" };
import { type MessageName, type MessageOf, MESSAGES } from "./registry.ts";

/** FNV-1a over the hex of the first `count` vectors: an edited or removed vector changes it, an added one does not. */
const FROZEN = { count: 25, fnv: "a2c463fa" };

const fromHex = (hex: string): Uint8Array => Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
const toHex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The message of a vector; bytes are written `{"hex": ...}` in the file. */
function messageOf(vector: (typeof v1.vectors)[number]): MessageOf<MessageName> {
  const message: Record<string, unknown> = { ...vector.message };
  const body = message["body"] as { hex: string } | undefined;
  if (body !== undefined) message["body"] = fromHex(body.hex);
  return message as unknown as MessageOf<MessageName>;
}

describe("golden vectors of protocol 1", () => {
  it.each(v1.vectors.map((vector) => [vector.name, vector] as const))("%s", (_, vector) => {
    const message = messageOf(vector);
    expect(toHex(encodeMessage(message))).toBe(vector.hex);
    const bytes = fromHex(vector.hex);
    expect([bytes[0], bytes[1]]).toEqual([ROOM_DATA_BYTES, messageId(message.type)]);
    const decode = MESSAGES[message.type].direction === "up" ? decodeUp : decodeDown;
    expect(decode(bytes[1] ?? 0, bytes.subarray(ENVELOPE_BYTES))).toEqual({ ok: true, value: message });
  });

  it("cover every message of the version", () => {
    const covered = new Set(v1.vectors.map((vector) => vector.message.type));
    const wanted = Object.entries(MESSAGES).filter(([, spec]) => spec.since === v1.protocol);
    expect(wanted.map(([name]) => name).filter((name) => !covered.has(name))).toEqual([]);
  });

  it("are only ever added to", () => {
    let hash = 0x811c9dc5;
    for (const { hex } of v1.vectors.slice(0, FROZEN.count)) {
      for (const character of `${hex}\n`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    }
    expect(v1.vectors.length).toBeGreaterThanOrEqual(FROZEN.count);
    expect(hash.toString(16)).toBe(FROZEN.fnv);
  });
});
