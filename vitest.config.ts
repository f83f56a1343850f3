import { defineConfig } from "vitest/config";

const exclude = ["**/node_modules/**", "**/dist/**"];

/**
 * Two projects. `unit` runs files side by side, one on each core: by itself vitest leaves one core alone, which of two is half of the machine.
 * Its workers are kept from file to file, since starting one costs more than most files do. `system` starts real servers, browsers and
 * databases, one file at a time, because two cores shared by two browsers make every timing a lie.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: [...exclude, "**/*.system.test.ts"],
          testTimeout: 20_000,
          maxWorkers: "100%",
          isolate: false,
        },
      },
      { test: { name: "system", include: ["**/*.system.test.ts"], exclude, fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
});
