/** `npm run scenes -- check|salvage FILE SPACE`: looks at a scene of a stopped server's SQLite file, or keeps what is readable of it (OPERATIONS.md). */
import { existsSync } from "node:fs";
import { checkScene, salvage } from "./adapters/store/sqlite-repair.ts";

const USAGE = `npm run scenes -- check|salvage FILE SPACE
  check     says whether the scene of SPACE in the store's FILE is sound, or what is wrong with it
  salvage   opens a quarantined scene again with what is readable of it; make a copy of FILE, FILE-wal and FILE-acked first`;

const [what = "", file = "", space = ""] = process.argv.slice(2);
if ((what !== "check" && what !== "salvage") || space === "") {
  console.error(USAGE);
  process.exitCode = 2;
} else if (!existsSync(file)) {
  console.error(`There is no file ${file}.`);
  process.exitCode = 2;
} else if (what === "check") {
  const sentence = checkScene(file, space);
  console.log(sentence);
  process.exitCode = sentence.startsWith("The scene is sound") ? 0 : 1;
} else {
  const salvaged = salvage(file, space);
  if (salvaged.ok)
    console.log(`The scene is open again with ${salvaged.value.kept} records; ${salvaged.value.lost} acknowledged records could not be kept.`);
  else console.error(salvaged.error);
  process.exitCode = salvaged.ok ? 0 : 1;
}
