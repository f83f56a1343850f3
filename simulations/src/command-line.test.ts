import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileFault, folderFault } from "./command-line.ts";

const CHAOS = fileURLToPath(new URL("./chaos/cli.ts", import.meta.url));
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "command-line-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("where results go", () => {
  it("[CO1] is asked before, and left as it was", () => {
    writeFileSync(join(folder, "old.json"), "old");
    const there = [fileFault(join(folder, "old.json")), fileFault(join(folder, "new.json"))];
    expect([...there, folderFault(folder), folderFault(join(folder, "a", "b"))]).toEqual([undefined, undefined, undefined, undefined]);
    expect(readdirSync(folder)).toEqual(["old.json"]);
  });

  it("is refused with the reason", () => {
    expect(fileFault(join(folder, "nowhere", "new.json"))).toMatch(/new\.json cannot be written: ENOENT/);
    expect(fileFault(folder)).toMatch(/cannot be written: EISDIR/);
    expect(folderFault(join(folder, "old.json"))).toMatch(/cannot be written to: ENOTDIR/);
  });
});

const run = (...args: string[]): Promise<{ code: unknown; stderr: string }> =>
  new Promise((resolve) => execFile(process.execPath, [CHAOS, ...args], (error, _, stderr) => resolve({ code: error?.code ?? 0, stderr })));

it("a command says what is wrong with its arguments before it breaks anything, and exits 2", async () => {
  const [unknown, nowhere] = await Promise.all([run("disk", "--bogus", "1"), run("disk", "--count", "1", "--json", "/dev/null/x")]);
  expect([unknown?.code, nowhere?.code]).toEqual([2, 2]);
  expect(unknown?.stderr).toMatch(/^Unknown option '--bogus'/);
  expect(nowhere?.stderr).toMatch(/^--json: \/dev\/null\/x cannot be written/);
});
