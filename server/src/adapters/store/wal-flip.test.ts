import fc from "fast-check";
import { expect, it } from "vitest";
import { oneBitApart, wrongBit } from "./wal-flip.ts";

/** SQLite's checksum, as its format's description gives it. */
function checksum(data: Buffer, bigEndian: boolean): Buffer {
  let [a, b] = [7, 9];
  for (let at = 0; at < data.length; at += 8) {
    const word = (offset: number): number => (bigEndian ? data.readUInt32BE(at + offset) : data.readUInt32LE(at + offset));
    a = (a + word(0) + b) >>> 0;
    b = (b + word(4) + a) >>> 0;
  }
  const out = Buffer.alloc(8);
  out.writeUInt32BE(a, 0);
  out.writeUInt32BE(b, 4);
  return out;
}

it("[WX1] [WX2] finds the flipped bit, wherever it is and however the checksum reads its words", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4104, maxLength: 4104 }), fc.nat(4103), fc.nat(7), fc.boolean(), (bytes, at, bit, bigEndian) => {
      const data = Buffer.from(bytes);
      const meant = checksum(data, bigEndian);
      data[at] = (data[at] as number) ^ (1 << bit);
      const found = wrongBit(data, { sum: checksum(data, bigEndian), meant, bigEndian });
      const inWord = (bigEndian ? 3 - (at % 4) : at % 4) * 8 + bit;
      if (inWord > 22 && found === "several") return;
      expect(found).toEqual({ at, mask: 1 << bit });
    }),
    { numRuns: 40 },
  );
});

it("[WX1] finds nothing where more than a bit is wrong", () => {
  const data = Buffer.alloc(4104, 5);
  const meant = checksum(data, false);
  data.fill(0, 512, 1024);
  expect(wrongBit(data, { sum: checksum(data, false), meant, bigEndian: false })).toBeUndefined();
  expect(oneBitApart(Buffer.from([1, 2, 3]), Buffer.from([1, 2, 3]))).toBeUndefined();
  expect(oneBitApart(Buffer.from([1, 2, 3]), Buffer.from([1, 6, 7]))).toBeUndefined();
  expect(oneBitApart(Buffer.from([1, 2, 3]), Buffer.from([1, 6, 3]))).toEqual({ at: 1, mask: 4 });
});
