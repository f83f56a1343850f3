import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Lull } from "./lull.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A lull, and whether it was reached by now. */
function watched(): { readonly lull: Lull; readonly reached: () => boolean } {
  const lull = new Lull();
  let reached = false;
  void lull.reached.then(() => (reached = true));
  return { lull, reached: () => reached };
}

test("[LU1] it is reached a quarter of a second after the last stir, and not before the server can be reached", async () => {
  const { lull, reached } = watched();
  lull.stir();
  await vi.advanceTimersByTimeAsync(5000);
  expect(reached()).toBe(false);
  lull.begin();
  await vi.advanceTimersByTimeAsync(200);
  lull.stir();
  await vi.advanceTimersByTimeAsync(240);
  expect(reached()).toBe(false);
  await vi.advanceTimersByTimeAsync(20);
  expect(reached()).toBe(true);
  lull.stir();
});

test("[LU1] it is reached after two seconds where something stirs all the time", async () => {
  const { lull, reached } = watched();
  lull.begin();
  for (let ms = 0; ms < 1900; ms += 100) {
    await vi.advanceTimersByTimeAsync(100);
    lull.stir();
  }
  expect(reached()).toBe(false);
  await vi.advanceTimersByTimeAsync(100);
  expect(reached()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
