/** What `npm run bench -- SUITE` asks of a suite, and what a suite is told. */
import type { Figure, Report } from "./report.ts";

/** As given on the command line; a suite ignores what does not concern it. Folders are relative to where the command runs. */
export type SuiteOptions = {
  /** Recordings of people (`../shared/data/motion/README.md` says in which format). */
  readonly traces: string | undefined;
  /** Recorded network series. */
  readonly network: string | undefined;
  /** Labelled data to score, as the suite's part of bench/README.md describes it. */
  readonly data: string | undefined;
  /** Where to write what is needed to check the figures independently. */
  readonly dump: string | undefined;
};

export type SuiteResult = { readonly settings: Report["settings"]; readonly figures: readonly Figure[] };

export type Suite = {
  readonly about: string;
  readonly run: (options: SuiteOptions, progress: (line: string) => void) => SuiteResult | Promise<SuiteResult>;
};
