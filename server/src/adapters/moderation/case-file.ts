/**
 * The moderators' file: SQLite of its own beside the scenes' store, so that evidence is never in a scene and a full queue never slows an edit.
 * Synchronous; the server runs it in a thread (cases-worker.ts).
 *
 * [CF1] Bounded: beyond CASES_MAX the oldest closed cases go, then the oldest open ones of the lowest severity.
 * [CF2] A purge and an erasure are overwritten on the disk (secure_delete), and the write-ahead log is emptied after them.
 */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { AuditLine, CaseState, Measure, ModerationCase, PersonData, Retention } from "./case-types.ts";

const CASES_MAX = 10_000;
const SCHEMA = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = OFF;
CREATE TABLE IF NOT EXISTS cases (id INTEGER PRIMARY KEY, space TEXT, openedMs INTEGER, source TEXT, severity INTEGER, user TEXT, object TEXT,
  reporter TEXT, reason TEXT, evidence TEXT, state TEXT);
CREATE INDEX IF NOT EXISTS queue ON cases (space, state, severity, openedMs);
CREATE TABLE IF NOT EXISTS measures (id INTEGER PRIMARY KEY, caseId INTEGER, space TEXT, kind TEXT, user TEXT, victim TEXT, object TEXT,
  sinceMs INTEGER, untilMs INTEGER, by TEXT, endedMs INTEGER);
CREATE INDEX IF NOT EXISTS measuresOfCase ON measures (caseId);
CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY AUTOINCREMENT, caseId INTEGER, atMs INTEGER, who TEXT, what TEXT, detail TEXT);
CREATE INDEX IF NOT EXISTS auditOfCase ON audit (caseId);`;
const ERASED = "erased";

export class CaseFile {
  private readonly db: DatabaseSync;
  private readonly casesMax: number;

  /** `:memory:` keeps nothing. */
  constructor(file: string, casesMax = CASES_MAX) {
    this.db = new DatabaseSync(file);
    this.casesMax = casesMax;
    this.db.exec(SCHEMA);
  }

  addCase(entry: ModerationCase): void {
    this.insert("cases", entry);
    const over = this.count() - this.casesMax;
    if (over <= 0) return;
    this.run("DELETE FROM cases WHERE id IN (SELECT id FROM cases ORDER BY state = 'closed' DESC, severity, openedMs LIMIT ?)", over);
  }
  setState(id: number, state: CaseState): void {
    this.run("UPDATE cases SET state = ? WHERE id = ?", state, id);
  }
  addMeasure(measure: Measure): void {
    this.insert("measures", measure);
  }
  endMeasure(id: number, endedMs: number): void {
    this.run("UPDATE measures SET endedMs = ? WHERE id = ? AND endedMs = 0", endedMs, id);
  }
  addAudit(line: AuditLine): void {
    this.insert("audit", line);
  }

  queue(space: string, state: CaseState | "all", limit: number): ModerationCase[] {
    const order = "ORDER BY state = 'closed', severity DESC, openedMs DESC LIMIT ?";
    return (
      state === "all"
        ? this.all(`SELECT * FROM cases WHERE space = ? ${order}`, space, limit)
        : this.all(`SELECT * FROM cases WHERE space = ? AND state = ? ${order}`, space, state, limit)
    ) as ModerationCase[];
  }
  caseOf(id: number): ModerationCase | undefined {
    return this.all("SELECT * FROM cases WHERE id = ?", id)[0] as ModerationCase | undefined;
  }
  measuresOf(caseId: number): Measure[] {
    return this.all("SELECT * FROM measures WHERE caseId = ? ORDER BY id", caseId) as Measure[];
  }
  auditOf(caseId: number): AuditLine[] {
    return this.all("SELECT caseId, atMs, who, what, detail FROM audit WHERE caseId = ? ORDER BY id", caseId) as AuditLine[];
  }
  active(nowMs: number): Measure[] {
    return this.all("SELECT * FROM measures WHERE endedMs = 0 AND untilMs > ? ORDER BY id", nowMs) as Measure[];
  }
  last(): { readonly caseId: number; readonly measureId: number } {
    const most = (table: string): number => (this.all(`SELECT MAX(id) AS id FROM ${table}`)[0] as { id: number | null }).id ?? 0;
    // A case that was purged leaves its number in the log: no number is given twice.
    const logged = (this.all("SELECT MAX(caseId) AS id FROM audit")[0] as { id: number | null }).id ?? 0;
    return { caseId: Math.max(most("cases"), logged), measureId: most("measures") };
  }

  purge(nowMs: number, { casesMs, auditMs }: Retention): number {
    const held = "SELECT caseId FROM measures WHERE endedMs = 0 AND untilMs > ?";
    const gone =
      this.run(`DELETE FROM cases WHERE openedMs < ? AND id NOT IN (${held})`, nowMs - casesMs, nowMs) +
      this.run("DELETE FROM measures WHERE sinceMs < ? AND (endedMs > 0 OR untilMs <= ?)", nowMs - casesMs, nowMs) +
      this.run("DELETE FROM audit WHERE atMs < ?", nowMs - auditMs);
    if (gone > 0) this.emptyLog();
    return gone;
  }

  exportPerson(user: string): PersonData {
    const cases = this.all("SELECT * FROM cases WHERE user = ? OR reporter = ? ORDER BY id", user, user) as ModerationCase[];
    // What others said in a case, and who reported it, is theirs.
    const own = cases.map((entry) => (entry.reporter === user ? entry : { ...entry, reporter: "", evidence: ownWords(entry) }));
    return {
      cases: own,
      measures: this.all("SELECT * FROM measures WHERE user = ? OR victim = ? ORDER BY id", user, user) as Measure[],
      audit: this.all("SELECT caseId, atMs, who, what, detail FROM audit WHERE who = ? ORDER BY id", user) as AuditLine[],
    };
  }

  erasePerson(user: string): number {
    const changed =
      this.run("UPDATE cases SET evidence = '{}', user = ?, state = 'closed' WHERE user = ?", ERASED, user) +
      this.run("UPDATE cases SET evidence = '{}', reporter = ? WHERE reporter = ?", ERASED, user) +
      // As a witness they stand in somebody else's evidence.
      this.run(
        "UPDATE cases SET evidence = replace(evidence, ?, ?) WHERE instr(evidence, ?) > 0",
        JSON.stringify(user),
        `"${ERASED}"`,
        JSON.stringify(user),
      ) +
      this.run("UPDATE measures SET endedMs = max(endedMs, sinceMs + 1), user = ? WHERE user = ?", ERASED, user) +
      this.run("UPDATE measures SET victim = ? WHERE victim = ?", ERASED, user) +
      this.run("UPDATE audit SET who = ?, detail = '{}' WHERE who = ?", ERASED, user);
    this.emptyLog();
    return changed;
  }

  close(): void {
    this.db.close();
  }

  private count(): number {
    return (this.all("SELECT count(*) AS n FROM cases")[0] as { n: number }).n;
  }
  private emptyLog(): void {
    this.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  private all(sql: string, ...values: SQLInputValue[]): unknown[] {
    return this.db
      .prepare(sql)
      .all(...values)
      .map((row) => ({ ...row }));
  }
  private run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.db.prepare(sql).run(...values).changes);
  }
  private insert(table: string, row: Readonly<Record<string, string | number>>): void {
    const names = Object.keys(row);
    this.run(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map(() => "?").join()})`, ...Object.values(row));
  }
}

/** Only what the person said themselves and the numbers about them; a report's own words are its writer's. */
function ownWords({ source, evidence }: ModerationCase): string {
  const { lines, numbers, model, text } = JSON.parse(evidence) as Record<string, unknown>;
  return JSON.stringify({ lines, numbers, model, ...(source === "text" ? { text } : {}) });
}
