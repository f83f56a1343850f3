import type { SessionId } from "@copresence/shared/base";
import { describe, expect, it } from "vitest";
import { PoseInbox } from "./pose-inbox.ts";
import type { PoseInput } from "./types.ts";

const session = "s" as SessionId;
const bytesOf = ({ bytes, at, length }: PoseInput): number[] => [...bytes.subarray(at, at + length)];

describe("PoseInbox", () => {
  it("[PI2] keeps every message apart from the memory it came in, however many come before a step", () => {
    const inbox = new PoseInbox();
    for (let round = 0; round < 3; round++) {
      const read = new Uint8Array(1000);
      const inputs = Array.from({ length: 50 }, (_, i) => {
        read.fill(i + round);
        return inbox.take(session, i, read, i, 60 + i * 10);
      });
      read.fill(0xff);
      inputs.forEach((input, i) => {
        expect(input.receivedMs).toBe(i);
        expect(bytesOf(input)).toEqual(Array.from({ length: 60 + i * 9 }, () => i + round));
      });
      inbox.clear();
    }
  });

  it("[PI1] uses inputs and memory again", () => {
    const inbox = new PoseInbox();
    const fill = (): PoseInput[] => Array.from({ length: 100 }, () => inbox.take(session, 0, new Uint8Array(80), 0, 80));
    fill();
    inbox.clear();
    const before = fill();
    inbox.clear();
    const after = fill();
    after.forEach((input, i) => expect(input).toBe(before[i]));
    expect(after[0]?.bytes).toBe(before[0]?.bytes);
  });
});
