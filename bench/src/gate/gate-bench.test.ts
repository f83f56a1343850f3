import { describe, expect, it } from "vitest";
import { gate } from "./suite.ts";

describe("bench gate, tiny", () => {
  it("[GB1] [GB2] measures every figure of the issue and meets its bars", async () => {
    const { figures } = await gate({ traces: undefined, network: undefined, dump: undefined, count: 500 }, () => {});
    expect(figures.map(({ id }) => id).slice(0, 3)).toEqual(["gate.bypass", "gate.slowest_ms", "gate.memory_growth"]);
    expect(figures.filter(({ ok }) => ok === false)).toEqual([]);
  });
});
