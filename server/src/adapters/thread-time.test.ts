import { expect, it } from "vitest";
import { threadCpuMs } from "./thread-time.ts";

it("counts work of this thread, not waiting", async () => {
  const before = threadCpuMs();
  await new Promise((resolve) => setTimeout(resolve, 60));
  const waited = threadCpuMs() - before;
  let sum = 0;
  while (threadCpuMs() - before < waited + 20) sum += Math.sqrt(sum + 1);
  expect(sum).toBeGreaterThan(0);
  expect(waited).toBeLessThan(50);
});
