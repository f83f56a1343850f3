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
  /** Parts to run, of those the suite names; undefined: all. */
  readonly only?: readonly string[] | undefined;
  /** Told after each part of a suite that has parts what was measured so far. */
  readonly onPart?: ((soFar: SuiteResult) => void) | undefined;
};
export type SuiteResult = {
  readonly settings: Report["settings"];
  readonly figures: readonly Figure[];
  /** Parts that were not asked for. */
  readonly leftOut?: readonly string[];
  /** Parts that were asked for and have not been measured. */
  readonly notReached?: readonly string[];
};

/** What was brought cannot be used: the message is for whoever brought it, without a stack. */
export class BadInput extends Error {}

export type Suite = {
  readonly about: string;
  /** Names for `--only`; undefined: the suite is one piece. */
  readonly parts?: readonly string[];
  readonly run: (options: SuiteOptions, progress: (line: string) => void) => SuiteResult | Promise<SuiteResult>;
};
