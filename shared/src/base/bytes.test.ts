import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "./bytes.ts";

const written = (write: (w: ByteWriter) => void): ByteReader => {
  const w = new ByteWriter(1);
  write(w);
  return new ByteReader(w.finish());
};

const READS: readonly ((r: ByteReader) => unknown)[] = [
  (r) => r.u8(),
  (r) => r.u16(),
  (r) => r.u32(),
  (r) => r.i16(),
  (r) => r.i32(),
  (r) => r.f32(),
  (r) => r.f64(),
  (r) => r.varUint(),
  (r) => r.raw(3).length,
  (r) => r.text(4),
];

describe("ByteWriter and ByteReader", () => {
  it("round-trip every integer width, floats and text", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: -0x80000000, max: 0x7fffffff }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: "grapheme" }),
        (unsigned, signed, float, text) => {
          const r = written((w) => {
            w.u8(unsigned & 0xff);
            w.u16(unsigned & 0xffff);
            w.u32(unsigned);
            w.varUint(unsigned);
            w.i16((signed << 16) >> 16);
            w.i32(signed);
            w.f32(Math.fround(signed));
            w.f64(float);
            w.text(text);
          });
          expect([r.u8(), r.u16(), r.u32(), r.varUint()]).toEqual([unsigned & 0xff, unsigned & 0xffff, unsigned, unsigned]);
          expect([r.i16(), r.i32(), r.f32(), r.f64()]).toEqual([(signed << 16) >> 16, signed, Math.fround(signed), float]);
          expect(r.text(10_000)).toBe(text);
          expect([r.fault, r.remaining]).toEqual([undefined, 0]);
        },
      ),
    );
  });

  it("[BY1] the first violation sets the fault, later reads give zero values and never throw or leave the view", () => {
    const backing = new Uint8Array(16).fill(7);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 20 }), fc.nat(6), (reads, size) => {
        const r = new ByteReader(backing.subarray(4, 4 + size));
        for (const read of reads) {
          const before = r.fault;
          const value = READS[read]?.(r);
          if (before !== undefined) expect([0, ""]).toContain(value);
          expect(r.offset).toBeLessThanOrEqual(size);
        }
      }),
    );
  });

  it("[BY1] keeps the first fault", () => {
    const r = new ByteReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 1));
    expect(r.varUint()).toBe(0);
    expect(r.fault).toBe("bad-value");
    r.u32();
    expect(r.fault).toBe("bad-value");
  });

  it("[BY2] writes little endian and takes any LEB128 of at most five bytes and 32 bits", () => {
    const w = new ByteWriter();
    w.u32(0x01020304);
    expect([...w.finish()]).toEqual([4, 3, 2, 1]);
    expect(new ByteReader(Uint8Array.of(0x81, 0x80, 0x80, 0x80, 0x00)).varUint()).toBe(1);
    expect(new ByteReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)).varUint()).toBe(0xffffffff);
    const tooBig = new ByteReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x10));
    expect([tooBig.varUint(), tooBig.fault]).toEqual([0, "bad-value"]);
    const cut = new ByteReader(Uint8Array.of(0x80));
    expect([cut.varUint(), cut.fault]).toEqual([0, "truncated"]);
  });

  it("[BY3] grows up to its limit and asserts beyond it", () => {
    const w = new ByteWriter(1, 8);
    w.raw(new Uint8Array(8));
    expect(w.finish().length).toBe(8);
    expect(() => w.u8(0)).toThrow("invariant broken");
    w.reset();
    expect(w.finish().length).toBe(0);
  });

  it("refuses text above its bound before it looks at it, and bad UTF-8", () => {
    const long = written((w) => w.text("x".repeat(11)));
    expect([long.text(10), long.fault]).toEqual(["", "too-long"]);
    const bad = new ByteReader(Uint8Array.of(1, 0xff));
    expect([bad.text(10), bad.fault]).toEqual(["", "bad-utf8"]);
  });
});
