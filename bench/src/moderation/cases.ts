/**
 * Labelled texts to score: the project's held-out chat lines, HateCheck, the SMS collection, and any TSV somebody brings.
 *
 * TSV: one `label<TAB>text` per line, UTF-8, `\n` in a text for a line break, lines starting with `# ` and empty lines skipped. A label is 0 or 1, or names: those
 * of NEGATIVE are 0, any other is 1; several are separated by commas. A first line `label<TAB>text` is a header.
 */
import { readFileSync } from "node:fs";
import { BadInput } from "../suite.ts";

export type Case = { readonly text: string; readonly positive: boolean; /** For figures by slice. */ readonly slice: string };

const NEGATIVE: ReadonlySet<string> = new Set(
  (
    "0 no none false ok ham neutral neither normal plain plain-talk clean safe benign banter trash-talk friendly other negation reclaimed quoted quote " +
    "quoted-abuse counter counter-speech counterspeech non-hateful not-hateful non-hate not-hate non-toxic not-toxic"
  ).split(" "),
);

export class DataTrouble extends BadInput {}

/** Throws `DataTrouble` with the line's number when one has no tab or no text. */
export function readTsv(file: string): Case[] {
  const cases: Case[] = [];
  const lines = readFileSync(file, "utf8").split(/\r?\n/u);
  for (const [at, line] of lines.entries()) {
    if (line === "" || line.startsWith("# ")) continue;
    const tab = line.indexOf("\t");
    if (tab < 1) throw new DataTrouble(`${file}, line ${at + 1}: expected label<TAB>text`);
    const label = line.slice(0, tab).trim().toLowerCase();
    const text = line.slice(tab + 1).replaceAll("\\n", "\n");
    if (at === 0 && label === "label") continue;
    cases.push({ text, positive: !isNegative(label), slice: label });
  }
  if (cases.length === 0) throw new DataTrouble(`${file}: no line label<TAB>text`);
  return cases;
}

function isNegative(label: string): boolean {
  return label.split(",").every((name) => NEGATIVE.has(name.trim().replaceAll(/[ _]/gu, "-")));
}

/** HateCheck's half for development: the eighth column says hateful or non-hateful. */
export function readHateCheck(file: string): Case[] {
  const [header, ...rows] = readCsv(readFileSync(file, "utf8"));
  const column = (name: string): number => {
    const at = header?.indexOf(name) ?? -1;
    if (at < 0) throw new DataTrouble(`${file}: no column ${name}`);
    return at;
  };
  const [text, gold, functionality] = [column("test_case"), column("label_gold"), column("functionality")];
  return rows.map((row) => ({ text: row[text] ?? "", positive: row[gold] === "hateful", slice: row[functionality] ?? "" }));
}

/** Rows of RFC 4180: quoted fields may hold commas, line breaks and doubled quotes. */
function readCsv(csv: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain = "", end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r?\n|$)/gu)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    if (row.length > 1) rows.push(row);
    row = [];
  }
  return rows;
}
