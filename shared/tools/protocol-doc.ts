/**
 * `npm run protocol -- --check|--write`: keeps the generated sections of shared/PROTOCOL.md equal to the registry.
 * `--check` (the default) changes nothing and exits 1 with a sentence when the file is out of date.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fillSections, protocolSections } from "../src/protocol/protocol-doc.ts";

const documentUrl = new URL("../PROTOCOL.md", import.meta.url);
const poseFormatUrl = new URL("../src/pose/FORMAT.md", import.meta.url);

const { values } = parseArgs({ options: { check: { type: "boolean" }, write: { type: "boolean" } } });
const current = readFileSync(documentUrl, "utf8");
const wanted = fillSections(current, protocolSections(readIfThere(poseFormatUrl)));

if (!wanted.ok) {
  fail(`shared/PROTOCOL.md: ${wanted.error.sentence}`);
} else if (wanted.value === current) {
  console.log("shared/PROTOCOL.md agrees with the registry.");
} else if (values.write === true) {
  writeFileSync(documentUrl, wanted.value);
  console.log("shared/PROTOCOL.md written.");
} else {
  fail("shared/PROTOCOL.md is out of date; run: npm run protocol -- --write");
}

function readIfThere(url: URL): string | undefined {
  try {
    return readFileSync(url, "utf8");
  } catch {
    return undefined;
  }
}

function fail(sentence: string): void {
  console.error(sentence);
  process.exitCode = 1;
}
