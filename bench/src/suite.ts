/** What a bench suite is: named, asked with options, answered with figures. */
import type { Figure, Report } from "./report.ts";

export type SuiteOptions = {
  /** Folder with recordings in the traces' CSV format; undefined: synthetic people. */
  readonly traces: string | undefined;
  /** Folder with recorded networks. */
  readonly network: string | undefined;
  /** External data in the formats of bench/README.md. */
  readonly data?: string | undefined;
  /** Folder to write everything to that somebody else may want to check. */
  readonly dump: string | undefined;
  /** How many of what the suite counts; undefined: as many as its bars ask for. */
  readonly count?: number | undefined;
  /** Where the dice begin; undefined: the suite's own. */
  readonly seed?: number | undefined;
  /** Parts to run, of the suite's `parts`; undefined: all. */
  readonly only?: readonly string[] | undefined;
};
export type SuiteResult = { readonly settings: Report["settings"]; readonly figures: readonly Figure[] };

export type Suite = {
  readonly about: string;
  /** Names for `--only`; a suite without them is run whole. */
  readonly parts?: readonly string[];
  readonly run: (options: SuiteOptions, progress: (line: string) => void) => SuiteResult | Promise<SuiteResult>;
};
