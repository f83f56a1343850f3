import { describe, expect, it } from "vitest";
import { FrameArena } from "./frame-arena.ts";

describe("FrameArena", () => {
  it("[FA1] keeps every copy of a step readable, also across growth, and reuses the buffer after", () => {
    const arena = new FrameArena();
    const source = new Uint8Array(1500);
    const copies: Uint8Array[] = [];
    for (let i = 0; i < 200; i++) copies.push(arena.copy(source.fill(i)));
    copies.forEach((copy, i) => expect(copy.every((byte) => byte === i)).toBe(true));
    arena.reset();
    const first = arena.copy(source.fill(7));
    arena.reset();
    expect(arena.copy(source.fill(8)).buffer).toBe(first.buffer);
  });

  it("takes a frame larger than the arena", () => {
    const arena = new FrameArena();
    expect(arena.copy(new Uint8Array(1 << 18).fill(3)).length).toBe(1 << 18);
  });
});
