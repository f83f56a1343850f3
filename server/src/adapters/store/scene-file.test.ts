import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeSceneFile, encodeSceneFile, type SceneFile } from "./scene-file.ts";

const bytes = fc.uint8Array({ maxLength: 40 });
const count = fc.nat();
const name = fc.string({ maxLength: 12 });
const file: fc.Arbitrary<SceneFile> = fc.record({
  scene: name,
  exportedMs: count,
  content: fc.record({
    base: fc.option(bytes, { nil: undefined }),
    records: fc.array(fc.record({ user: name, client: count, clock: count, atMs: count, bytes }), { maxLength: 4 }),
    owners: fc.array(fc.record({ client: count, user: name }), { maxLength: 3 }),
    notes: fc.array(fc.tuple(name, bytes), { maxLength: 3 }).map((entries) => new Map(entries)),
  }),
});

describe("scene file", () => {
  it("reads what it wrote", () => {
    fc.assert(
      fc.property(file, (written) => {
        expect(decodeSceneFile(encodeSceneFile(written))).toEqual({ ok: true, value: written });
      }),
    );
  });

  it("[SF1] refuses what is a byte different, shorter or longer, with a sentence", () => {
    fc.assert(
      fc.property(file, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.constantFrom("change", "cut", "add"), (written, place, mask, how) => {
        const whole = encodeSceneFile(written);
        const at = place % whole.length;
        const other = how === "cut" ? whole.slice(0, at) : how === "add" ? new Uint8Array([...whole, mask]) : whole.slice();
        if (how === "change") other[at] = (other[at] as number) ^ mask;
        const read = decodeSceneFile(other);
        expect(read.ok ? "read" : read.error).toMatch(/\.$/);
      }),
    );
  });

  it("[SF1] says of a newer file that it is newer", () => {
    const text = '{"format":"copresence-scene","version":2,"scene":"a"}\n{"sha512":"x"}\n';
    expect(decodeSceneFile(new TextEncoder().encode(text))).toMatchObject({ ok: false, error: expect.stringMatching(/version 2/) });
    expect(decodeSceneFile(new Uint8Array(0))).toMatchObject({ ok: false });
  });
});
