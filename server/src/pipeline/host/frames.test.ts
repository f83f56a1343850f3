import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { FrameReader, frameOf, MARK_BYTES } from "./frames.ts";

const mark = randomBytes(MARK_BYTES);

it("[FR1] gives every message after the mark, however the bytes are cut and whatever was before", () => {
  const messages = fc.array(fc.oneof(fc.string(), fc.record({ kind: fc.string(), items: fc.array(fc.integer()) }), fc.constant(undefined)));
  fc.assert(
    fc.property(messages, messages, fc.uint8Array(), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (old, sent, half, cuts) => {
      const bytes = Buffer.concat([...old.map(frameOf), half, mark, ...sent.map(frameOf)]);
      const heard: unknown[] = [];
      const reader = new FrameReader(mark, (message) => heard.push(message));
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const end = at + (cuts[i % cuts.length] ?? 1);
        reader.push(bytes.subarray(at, end));
        at = end;
      }
      expect(heard).toEqual(sent);
    }),
  );
});

it("[FR2] stops at a length that nobody writes", () => {
  const heard: unknown[] = [];
  const reader = new FrameReader(mark, (message) => heard.push(message));
  reader.push(Buffer.concat([mark, frameOf(1), Buffer.from([0xff, 0xff, 0xff, 0xff]), frameOf(2)]));
  reader.push(frameOf(3));
  expect(heard).toEqual([1]);
});
