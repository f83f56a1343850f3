import { expect, it } from "vitest";
import { warmUp } from "./warm-up.ts";

it("[WU1] opens its document, takes its edits and leaves nothing behind", () => {
  expect(warmUp()).toBeGreaterThan(0);
});
