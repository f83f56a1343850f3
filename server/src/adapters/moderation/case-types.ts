/** What moderation keeps: cases, the measures taken in them, and who did what when. */
import type { MeasureKind, Severity } from "./policy.ts";

export const CASE_STATES = ["open", "appealed", "closed"] as const;
export type CaseState = (typeof CASE_STATES)[number];
export type CaseSource = "report" | "behaviour" | "text";

export type ModerationCase = {
  readonly id: number;
  readonly space: string;
  readonly openedMs: number;
  readonly source: CaseSource;
  readonly severity: Severity;
  /** Whom it is about; "" when it is about an object alone. */
  readonly user: string;
  readonly object: string;
  /** Who was harmed or reported it; "" where nobody in particular. */
  readonly reporter: string;
  readonly reason: string;
  /** JSON, see ModerationDesk. */
  readonly evidence: string;
  readonly state: CaseState;
};
export type Measure = {
  readonly id: number;
  readonly caseId: number;
  readonly space: string;
  readonly kind: MeasureKind;
  readonly user: string;
  readonly victim: string;
  readonly object: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** "policy" or the moderator. */
  readonly by: string;
  /** Wall clock ms, or 0 while it holds. */
  readonly endedMs: number;
};
export type AuditLine = {
  readonly caseId: number;
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  /** Model and version, thresholds, words of the decision; JSON. */
  readonly detail: string;
};

/** How long each kind of data is kept, ms. */
export type Retention = { readonly casesMs: number; readonly auditMs: number };
const DAY = 24 * 60 * 60_000;
export const DEFAULT_RETENTION: Retention = { casesMs: 30 * DAY, auditMs: 180 * DAY };

export type PersonData = { readonly cases: readonly ModerationCase[]; readonly measures: readonly Measure[]; readonly audit: readonly AuditLine[] };

/** Where it is kept. Calls are carried out in order. */
export type CaseStore = {
  addCase(entry: ModerationCase): Promise<void>;
  setState(id: number, state: CaseState): Promise<void>;
  addMeasure(measure: Measure): Promise<void>;
  endMeasure(id: number, endedMs: number): Promise<void>;
  addAudit(line: AuditLine): Promise<void>;
  /** Newest first, most severe first among the open. */
  queue(space: string, state: CaseState | "all", limit: number): Promise<readonly ModerationCase[]>;
  caseOf(id: number): Promise<ModerationCase | undefined>;
  measuresOf(caseId: number): Promise<readonly Measure[]>;
  auditOf(caseId: number): Promise<readonly AuditLine[]>;
  /** Measures that hold, of every space. */
  active(nowMs: number): Promise<readonly Measure[]>;
  /** The largest ids given so far. */
  last(): Promise<{ readonly caseId: number; readonly measureId: number }>;
  /** Forgets what is older than its retention; measures that hold, and their cases, stay. Returns how many rows went. */
  purge(nowMs: number, retention: Retention): Promise<number>;
  /** Everything that names this person. */
  exportPerson(user: string): Promise<PersonData>;
  /** The person's name is taken out of everything, and the evidence of cases about or by them goes. */
  erasePerson(user: string): Promise<number>;
  close(): Promise<void>;
};
