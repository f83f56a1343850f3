import { describe, expect, it } from "vitest";
import { Campaign } from "./campaign.ts";
import { HEAVY } from "./heavy.ts";

describe("attacks on the room's time, by name", () => {
  it.each(HEAVY.map((attack) => [attack.name, attack] as const))("%s: bounded, and nothing protected changes", (_, attack) => {
    const { bypasses, slowestMs } = new Campaign({ seed: 1, mutated: 0, forged: 0, scale: 0.5, heavy: [attack] }).run();
    expect(bypasses).toEqual([]);
    expect(slowestMs).toBeLessThan(50);
  });
});

describe("the hostile campaign", () => {
  it("[HC1] [HC2] changes nothing protected and holds the thread for no longer than 50 ms", () => {
    const { bypasses, slowestMs, admitted } = new Campaign({ seed: 77, mutated: 4000, forged: 8000, scale: 0, heavy: [] }).run();
    expect(bypasses).toEqual([]);
    expect(slowestMs).toBeLessThan(50);
    // Attackers get through where they may; otherwise this would prove nothing.
    expect(admitted).toBeGreaterThan(100);
  });
});
