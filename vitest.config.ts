import { defineConfig } from "vitest/config";

const exclude = ["**/node_modules/**", "**/dist/**"];

/**
 * Two projects: `unit` runs files side by side; `system` starts real servers, browsers and databases, one file at a time,
 * because two cores shared by two browsers make every timing a lie.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["**/*.test.ts"], exclude: [...exclude, "**/*.system.test.ts"], testTimeout: 20_000 } },
      { test: { name: "system", include: ["**/*.system.test.ts"], exclude, fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
});
