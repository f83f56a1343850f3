import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PlainFrames } from "./plain-frames.ts";

type Frame = { readonly opcode: number; readonly final: boolean; readonly masked: boolean; readonly mask: number; readonly length: number };
const MAX = 1000;

/** A frame whose payload is 0, 1, 2, ... */
function bytesOf({ opcode, final, masked, mask, length }: Frame): Buffer {
  const head = [(final ? 0x80 : 0) | opcode];
  const bit = masked ? 0x80 : 0;
  if (length < 126) head.push(bit | length);
  else head.push(bit | 126, length >> 8, length & 0xff);
  const key = [mask & 0xff, (mask >> 8) & 0xff, (mask >> 16) & 0xff, mask >>> 24];
  if (masked) head.push(...key);
  return Buffer.from([...head, ...Array.from({ length }, (_, i) => (i ^ (masked ? (key[i & 3] as number) : 0)) & 0xff)]);
}

const frame = fc.record<Frame>({
  opcode: fc.constantFrom(2, 2, 2, 2, 0, 1, 8, 9, 10),
  final: fc.constantFrom(true, true, true, false),
  masked: fc.constantFrom(true, true, true, false),
  mask: fc.constantFrom(0, 0x12345678, -1),
  length: fc.constantFrom(0, 1, 7, 125, 126, 130, 999, 1200),
});

/** Everything that comes out, in order: messages and passed bytes. */
function run(chunks: readonly Buffer[], open: () => boolean = () => true) {
  const out: { readonly message: boolean; readonly bytes: Buffer }[] = [];
  const frames = new PlainFrames({
    maxBytes: MAX,
    open,
    onMessage: (bytes) => void out.push({ message: true, bytes: Buffer.from(bytes) }),
    pass: (bytes) => void out.push({ message: false, bytes: Buffer.from(bytes) }),
  });
  for (const chunk of chunks) frames.read(Buffer.from(chunk));
  return out;
}

function split(all: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (all.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => all.subarray(from, at[i] ?? all.length)).filter((chunk) => chunk.length > 0);
}

describe("PlainFrames", () => {
  it("[PF1] gives every frame either to the room, whole and unmasked, or to ws as it came, in order, however reads are cut", () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 12 }), fc.array(fc.nat(), { maxLength: 12 }), (list, cuts) => {
        const out = run(split(Buffer.concat(list.map(bytesOf)), cuts));
        let fragmented = false;
        let passed = Buffer.alloc(0);
        const rest = [...out];
        for (const each of list) {
          const whole = bytesOf(each);
          const plain = each.opcode === 2 && each.final && each.masked && !fragmented && whole.length <= MAX;
          if (passed.length === 0 && plain && rest[0]?.message === true) {
            const payload = Buffer.from(Array.from({ length: each.length }, (_, i) => i & 0xff));
            expect(rest.shift()?.bytes.equals(payload)).toBe(true);
            continue;
          }
          // Not delivered: these very bytes come next among what was passed.
          while (passed.length < whole.length && rest[0]?.message === false) passed = Buffer.concat([passed, rest.shift()!.bytes]);
          expect(passed.subarray(0, whole.length).equals(whole)).toBe(true);
          passed = passed.subarray(whole.length);
          if (each.opcode < 8 && (each.opcode !== 0 || each.final)) fragmented = !each.final;
        }
        expect([passed.length, rest.length]).toEqual([0, 0]);
      }),
      { numRuns: 2000 },
    );
  });

  it("[PF2] never delivers in the middle of a fragmented message, nor what is unmasked, too long or text", () => {
    const plain: Frame = { opcode: 2, final: true, masked: true, mask: 7, length: 9 };
    const others: Frame[] = [
      { ...plain, final: false },
      { ...plain, masked: false },
      { ...plain, opcode: 1 },
      { ...plain, length: 1200 },
      { ...plain, opcode: 0 },
    ];
    for (const other of others) expect(run([bytesOf(other)]).some(({ message }) => message)).toBe(false);
    const inBetween = run([Buffer.concat([bytesOf({ ...plain, final: false }), bytesOf(plain), bytesOf({ ...plain, opcode: 0 }), bytesOf(plain)])]);
    expect(inBetween.map(({ message }) => message)).toEqual([false, true]);
    expect(inBetween[0]?.bytes.length).toBe(3 * bytesOf(plain).length);
  });

  it("passes everything once the socket closes", () => {
    const plain = bytesOf({ opcode: 2, final: true, masked: true, mask: 7, length: 9 });
    let seen = 0;
    const out = run([Buffer.concat([plain, plain, plain])], () => seen++ < 2);
    expect(out.map(({ message }) => message)).toEqual([true, false]);
    expect(out[1]?.bytes.length).toBe(2 * plain.length);
  });

  it("[PF1] reads plain frames again after a long one that came in pieces", () => {
    const plain = bytesOf({ opcode: 2, final: true, masked: true, mask: 7, length: 9 });
    const long = bytesOf({ opcode: 2, final: true, masked: true, mask: 7, length: 999 });
    const out = run([long.subarray(0, 400), long.subarray(400, 700), Buffer.concat([long.subarray(700), plain]), plain]);
    expect(out.map(({ message }) => message)).toEqual([false, false, false, true, true]);
  });
});
