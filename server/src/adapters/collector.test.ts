/** Each in a process of its own: what is asked of the collector holds for all of a process. */
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

const MODULE = new URL("./collector.ts", import.meta.url).href;

/** What `script` says last, as a number; `collector` is the module, `young()` the room for new objects, `fill()` makes 60 MB that stay. */
function measured(script: string): number {
  const before = `
    import { getHeapSpaceStatistics } from "node:v8";
    const collector = await import(${JSON.stringify(MODULE)});
    const young = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size;
    const kept = [];
    const fill = () => { for (let i = 0; i < 600_000; i++) kept.push({ a: i, b: [i, i + 1], c: { d: i } }); };
  `;
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", before + script], { encoding: "utf8" }).trim());
}

it("collectNow gives back what nothing holds any more", () => {
  const left = measured(`
    fill();
    const full = process.memoryUsage().heapUsed;
    kept.length = 0;
    collector.collectNow();
    console.log(process.memoryUsage().heapUsed / full);
  `);
  expect(left).toBeLessThan(0.3);
});

it("holdYoung keeps the room for new objects small while something large is taken in, but not tiny, and lets it grow again afterwards", () => {
  const grown = measured(`fill(); console.log(young());`);
  const held = measured(`collector.collectNow(); collector.holdYoung(60_000); fill(); console.log(young());`);
  const after = measured(`
    collector.holdYoung(1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    fill();
    console.log(young());
  `);
  expect(grown).toBeGreaterThan(32e6);
  expect(held).toBeGreaterThan(6e6);
  expect(held).toBeLessThan(18e6);
  expect(after).toBeGreaterThan(grown / 4);
});
