import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { expect, it } from "vitest";
import { Compactor } from "./compactor.ts";

/** Names and niceness of this process's threads (proc(5): the 19th field, the 17th after the name). */
const threads = (): (readonly [name: string, nice: number])[] =>
  readdirSync("/proc/self/task").map((id) => {
    const [head = "", rest = ""] = readFileSync(`/proc/self/task/${id}/stat`, "utf8").split(") ");
    return [head.split("(")[1] ?? "", Number(rest.split(" ")[16])];
  });

it("[CK1] folds with less weight than the process's other threads", async ({ skip }) => {
  if (process.platform !== "linux") {
    console.warn("Threads have a niceness of their own on Linux only: not looked at here.");
    return skip();
  }
  const before = getPriority();
  const compactor = new Compactor();
  try {
    await compactor.fold({ snapshot: undefined, updates: [] });
    const folding = threads().filter(([name]) => name.startsWith("copresence-comp"));
    expect(folding.map(([, nice]) => nice)).toEqual(folding.map(() => Math.min(19, before + 6)));
    expect(folding.length).toBeGreaterThan(0);
    expect(getPriority()).toBe(before);
  } finally {
    await compactor.close();
  }
});
