/**
 * What every bench and chaos command writes with `--json FILE`: `{suite, commit, node, cpu, settings, figures}`.
 * A figure without a bar states a fact; one with a bar says whether it was met. `partial` is there when not everything was measured.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";

export type Figure = {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  /** What it is measured against, as text, e.g. `<= 7.5`. */
  readonly bar?: string;
  readonly ok?: boolean;
  /** Whom it is compared with. */
  readonly peer?: string;
};
export type Report = {
  readonly suite: string;
  readonly commit: string;
  readonly node: string;
  readonly cpu: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly figures: readonly Figure[];
  readonly partial?: Missing;
};
/** What is missing of a suite that is made of parts: those nobody asked for, and those that a run which was cut off did not come to. */
export type Missing = { readonly leftOut: readonly string[]; readonly notReached: readonly string[] };

/** The commit that was measured; `+` after it when the tree had changes. */
function commit(): string {
  try {
    const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}

export function makeReport(
  suite: string,
  settings: Report["settings"],
  figures: readonly Figure[],
  { leftOut, notReached }: Missing = { leftOut: [], notReached: [] },
): Report {
  const processors = cpus();
  const cpu = `${processors[0]?.model ?? "unknown"} x ${processors.length}`;
  const partial = leftOut.length + notReached.length === 0 ? {} : { partial: { leftOut, notReached } };
  return { suite, commit: commit(), node: process.version, cpu, settings, ...partial, figures };
}

/** Prints a table, writes `file` if one was asked for, and says by the exit code whether every bar was met. */
export function publish(report: Report, file: string | undefined): void {
  const width = Math.max(...report.figures.map(({ id }) => id.length));
  for (const { id, value, unit, bar, ok, peer } of report.figures) {
    const verdict = bar === undefined ? "" : `  (bar ${bar}: ${ok === true ? "met" : "MISSED"})`;
    console.log(`${id.padEnd(width)}  ${format(value).padStart(10)} ${unit}${peer === undefined ? "" : ` against ${peer}`}${verdict}`);
  }
  if (report.partial !== undefined && report.partial.leftOut.length > 0) console.log(`Not asked for: ${report.partial.leftOut.join(", ")}.`);
  if (file !== undefined) write(report, file);
  if (report.figures.some(({ ok }) => ok === false)) process.exitCode = 1;
}

export function write(report: Report, file: string): void {
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
}

const format = (value: number): string => (Number.isInteger(value) ? String(value) : value.toPrecision(4));
