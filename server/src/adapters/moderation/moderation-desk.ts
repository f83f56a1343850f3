/**
 * Moderation of one server: signals become cases and measures, people decide, everything is written down and can be taken back.
 *
 * [MO1] A measure holds in every room of its space, also one that opens later, until it ends, is taken back, or its case is overturned.
 * [MO2] Every measure and every decision has an audit line with who, when, the model's version and the thresholds.
 * [MO3] Evidence is texts that were reported or hidden, distances and counts, and who was near. Motion is never in it.
 * [MO4] A file that cannot be written costs the case, not the measure: people stay protected, and the log says so.
 * [MO5] Who is under a measure knows it: they are told when it is set and whenever they come in, with the reason and the time that is left.
 */
import type { Alarm, CoreInput, Report } from "../../core/types.ts";
import type { UserId } from "@copresence/shared/base";
import type { HiddenText } from "../colyseus/judged-texts.ts";
import type { AuditLine, CaseSource, CaseStore, Measure, ModerationCase, PersonData, Retention } from "./case-types.ts";
import { noticeOf } from "./notice.ts";
import { type Answer, answerAlarm, answerHiddenTexts, answerReport, type MeasureKind, type SafetySettings } from "./policy.ts";

const DAY_MS = 24 * 60 * 60_000;
const HIDDEN_WINDOW_MS = 10 * 60_000;
const EVIDENCE_BYTES = 16_384;
const SWEEP_MS = 1000;
const PURGE_MS = 60 * 60_000;
/** People whose hidden texts are counted at once. */
const COUNTED_MAX = 4096;
/** Longest measure a person can set. */
export const LONGEST_MS = 365 * DAY_MS;

export const DECISIONS = ["dismiss", "uphold", "warn", "bubble", "mute", "freeze", "quarantine", "remove"] as const;
export type Decision = { readonly kind: (typeof DECISIONS)[number]; readonly forMs: number; readonly words: string };

export type ModerationDeskOptions = {
  readonly cases: CaseStore;
  /** Hands an input to the room of a space, if it is open here. */
  readonly push: (space: string, input: CoreInput) => void;
  readonly safetyOf: (space: string) => SafetySettings;
  readonly retention: Retention;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  readonly onTrouble: (sentence: string) => void;
};

export class ModerationDesk {
  private readonly options: ModerationDeskOptions;
  private readonly active = new Map<number, Measure>();
  /** Per space and user: when texts of theirs were hidden. */
  private readonly hidden = new Map<string, number[]>();
  private lastCase = 0;
  private lastMeasure = 0;
  private lastPurgeMs = 0;
  private timer: NodeJS.Timeout | undefined;

  /** Reads what still holds. Rejects when the file cannot be used. */
  static async open(options: ModerationDeskOptions): Promise<ModerationDesk> {
    const desk = new ModerationDesk(options);
    const { caseId, measureId } = await options.cases.last();
    desk.lastCase = caseId;
    desk.lastMeasure = measureId;
    for (const measure of await options.cases.active(options.wallClock())) desk.active.set(measure.id, measure);
    desk.timer = setInterval(() => desk.sweep(), SWEEP_MS).unref();
    return desk;
  }

  private constructor(options: ModerationDeskOptions) {
    this.options = options;
  }

  // ------------------------------------------------------------------------------------------------------------------------ signals

  /** A room of this space is open: what holds, holds there too [MO1]. */
  opened(space: string): void {
    for (const measure of this.active.values()) if (measure.space === space) this.enforce(measure, true);
  }

  /** Somebody came into a room of this space [MO5]. */
  joined(space: string, user: string): void {
    for (const measure of this.active.values()) if (measure.space === space && measure.user === user) this.write(this.tellAgain(measure));
  }

  /** Whether a measure keeps this person out of the space. */
  removed(space: string, user: string): boolean {
    for (const measure of this.active.values()) if (measure.kind === "remove" && measure.space === space && measure.user === user) return true;
    return false;
  }

  report(space: string, report: Report): void {
    const { user, object, reporter, reason, text, evidence } = report;
    this.take(space, "report", { user, object, reporter, reason }, answerReport(report), { text, ...evidence });
  }

  alarm(space: string, alarm: Alarm): void {
    const { user, victim, offence, score, numbers, model } = alarm;
    const answer = answerAlarm(alarm, this.options.safetyOf(space), this.recent(space, user));
    if (answer !== undefined)
      this.take(space, "behaviour", { user, object: "", reporter: victim, reason: offence }, answer, { score, numbers, model });
  }

  /** A text of this person was hidden. */
  textHidden(space: string, { user, text, reason, by }: HiddenText): void {
    if (user === "") return;
    const { wallClock, safetyOf } = this.options;
    const key = `${space}/${user}`;
    const nowMs = wallClock();
    const times = (this.hidden.get(key) ?? []).filter((atMs) => nowMs - atMs < HIDDEN_WINDOW_MS);
    times.push(nowMs);
    this.hidden.delete(key);
    if (this.hidden.size >= COUNTED_MAX) this.hidden.delete(this.hidden.keys().next().value ?? "");
    this.hidden.set(key, times);
    const answer = answerHiddenTexts(times.length, safetyOf(space), this.recent(space, user));
    if (answer === undefined) return;
    this.hidden.delete(key);
    this.take(space, "text", { user, object: "", reporter: "", reason }, answer, { text, hidden: times.length, by });
  }

  // ------------------------------------------------------------------------------------------------------------------------- people

  queue(space: string, state: "open" | "appealed" | "closed" | "all", limit: number): Promise<readonly ModerationCase[]> {
    return this.options.cases.queue(space, state, limit);
  }

  /** A case with all that belongs to it; undefined when it is not this space's. */
  async look(space: string, id: number): Promise<CaseView | undefined> {
    const { cases } = this.options;
    const entry = await cases.caseOf(id);
    if (entry === undefined || entry.space !== space) return undefined;
    return { case: entry, measures: await cases.measuresOf(id), audit: await cases.auditOf(id) };
  }

  /** A moderator decides. False when there is no such case here, or the decision does not fit it. */
  async decide(space: string, id: number, who: string, decision: Decision): Promise<boolean> {
    const view = await this.look(space, id);
    if (view === undefined) return false;
    const { kind, forMs, words } = decision;
    if (kind === "uphold") return this.uphold(view, who, words);
    const { user, object, reporter } = view.case;
    const aboutPerson = kind !== "quarantine" && kind !== "dismiss";
    if ((aboutPerson && user === "") || (kind === "quarantine" && object === "") || (kind === "bubble" && reporter === "")) return false;
    // What the policy did meanwhile is replaced by what the person decided.
    for (const measure of view.measures) if (measure.endedMs === 0) this.end(measure.id, who);
    this.audit(id, who, `decided ${kind}`, { words, forMs });
    if (kind === "warn") this.tell(space, user, 0, "warn", true, `A moderator warns you: ${words || "mind how you treat others here"}.`);
    else if (kind !== "dismiss") this.impose(view.case, kind, Math.min(forMs, LONGEST_MS), who);
    this.write(this.options.cases.setState(id, "closed"));
    return true;
  }

  /** An appeal is refused: what holds goes on. */
  private uphold({ case: { id, space, state }, measures }: CaseView, who: string, words: string): boolean {
    const holding = measures.filter((measure) => this.active.has(measure.id));
    if (state !== "appealed" || holding.length === 0) return false;
    this.audit(id, who, "refused the appeal", { words });
    for (const { user, id: measure, kind } of holding)
      this.tell(space, user, measure, kind, true, `A moderator has looked at your appeal, and it stays as it is. ${words}`.trim());
    this.write(this.options.cases.setState(id, "closed"));
    return true;
  }

  /** Takes a measure back; a case that was appealed and holds nothing more is closed. False when there is none of that number here. */
  rollback(space: string, measureId: number, who: string): boolean {
    const measure = this.active.get(measureId);
    if (measure === undefined || measure.space !== space) return false;
    this.end(measureId, who);
    const { caseId } = measure;
    if (![...this.active.values()].some((one) => one.caseId === caseId)) this.write(this.closeAppealed(caseId));
    return true;
  }

  private async closeAppealed(id: number): Promise<void> {
    const { cases } = this.options;
    if ((await cases.caseOf(id))?.state === "appealed") await cases.setState(id, "closed");
  }

  /** Somebody asks to look again at a measure about them; true when there is one. */
  appeal(space: string, user: string, measureId: number, words: string): boolean {
    const measure =
      this.active.get(measureId) ?? [...this.active.values()].find((one) => measureId === 0 && one.user === user && one.space === space);
    if (measure === undefined || measure.space !== space || measure.user !== user) return false;
    this.audit(measure.caseId, user, "appealed", { words: words.slice(0, 500), measure: measure.id });
    this.write(this.options.cases.setState(measure.caseId, "appealed"));
    return true;
  }

  exportPerson(user: string): Promise<PersonData> {
    return this.options.cases.exportPerson(user);
  }

  /** Everything about the person goes, measures that hold too. */
  async erasePerson(user: string): Promise<number> {
    for (const measure of this.active.values()) {
      if (measure.user !== user && measure.victim !== user) continue;
      this.enforce(measure, false);
      this.active.delete(measure.id);
    }
    for (const key of this.hidden.keys()) if (key.endsWith(`/${user}`)) this.hidden.delete(key);
    return this.options.cases.erasePerson(user);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.options.cases.close();
  }

  /** Ends what has ended, and once an hour forgets what is too old. */
  sweep(): void {
    const nowMs = this.options.wallClock();
    for (const measure of this.active.values()) if (measure.untilMs <= nowMs) this.end(measure.id, "policy");
    if (nowMs - this.lastPurgeMs < PURGE_MS) return;
    this.lastPurgeMs = nowMs;
    this.write(this.options.cases.purge(nowMs, this.options.retention));
  }

  // ------------------------------------------------------------------------------------------------------------------------ inside

  private take(space: string, source: CaseSource, about: About, answer: Answer, evidence: Readonly<Record<string, unknown>>): void {
    const openedMs = this.options.wallClock();
    const id = ++this.lastCase;
    const text = JSON.stringify(evidence);
    const entry: ModerationCase = {
      id,
      space,
      openedMs,
      source,
      severity: answer.severity,
      ...about,
      evidence: text.length <= EVIDENCE_BYTES ? text : JSON.stringify({ ...evidence, lines: [], witnesses: [], cut: true }),
      state: "open",
    };
    this.write(this.options.cases.addCase(entry));
    this.audit(id, "policy", `opened by ${source}`, { model: evidence["model"], thresholds: answer.thresholds });
    if (answer.measure !== undefined) this.impose(entry, answer.measure.kind, answer.measure.forMs, "policy", evidence["model"], answer.thresholds);
  }

  private impose(entry: ModerationCase, kind: MeasureKind, forMs: number, by: string, model?: unknown, thresholds?: unknown): void {
    const nowMs = this.options.wallClock();
    const { id: caseId, space, user, object, reporter } = entry;
    const victim = kind === "bubble" ? reporter : "";
    const measure: Measure = {
      id: ++this.lastMeasure,
      caseId,
      space,
      kind,
      user: kind === "quarantine" ? "" : user,
      victim,
      object: kind === "quarantine" ? object : "",
      sinceMs: nowMs,
      untilMs: nowMs + forMs,
      by,
      endedMs: 0,
    };
    this.active.set(measure.id, measure);
    this.write(this.options.cases.addMeasure(measure));
    this.audit(caseId, by, `set ${kind}`, { measure: measure.id, untilMs: measure.untilMs, model, thresholds });
    this.tellOf(measure, entry.reason);
    this.enforce(measure, true);
  }

  private end(id: number, who: string): void {
    const measure = this.active.get(id);
    if (measure === undefined) return;
    this.active.delete(id);
    this.enforce(measure, false);
    this.write(this.options.cases.endMeasure(id, this.options.wallClock()));
    this.audit(measure.caseId, who, `ended ${measure.kind}`, { measure: id });
  }

  private enforce(measure: Measure, on: boolean): void {
    const { space, kind, victim, object } = measure;
    const user = measure.user as UserId;
    // Another measure of the same kind may hold still.
    const held = !on && [...this.active.values()].some((one) => one.id !== measure.id && same(one, measure));
    if (held) return;
    const { push } = this.options;
    switch (kind) {
      case "bubble":
        push(space, { kind: "hide", viewer: victim as UserId, source: user, reason: "bubble", hidden: on });
        push(space, { kind: "hide", viewer: user, source: victim as UserId, reason: "bubble", hidden: on });
        break;
      case "quarantine":
        push(space, { kind: "quarantine", object, on });
        break;
      default:
        push(space, { kind: "restrict", user, what: kind, on });
    }
    if (!on) this.tell(space, user, measure.id, kind, false, "It is over, or was taken back.");
  }

  private async tellAgain(measure: Measure): Promise<void> {
    // A file that cannot be read costs the reason.
    const entry = await this.options.cases.caseOf(measure.caseId).catch(() => undefined);
    if (this.active.has(measure.id)) this.tellOf(measure, entry?.reason);
  }

  private tellOf({ id, space, user, kind, untilMs }: Measure, reason: string | undefined): void {
    if (kind !== "quarantine") this.tell(space, user, id, kind, true, noticeOf(kind, untilMs - this.options.wallClock(), reason));
  }

  private tell(space: string, user: string, id: number, kind: MeasureKind | "warn", on: boolean, sentence: string): void {
    if (kind === "quarantine") return;
    this.options.push(space, { kind: "tell", user: user as UserId, measure: id, what: kind, on, sentence });
  }

  /** Measures about this person that hold or ended lately, for graded answers. */
  private recent(space: string, user: string): number {
    const nowMs = this.options.wallClock();
    let count = 0;
    for (const measure of this.active.values()) if (measure.user === user && measure.space === space && nowMs - measure.sinceMs < DAY_MS) count++;
    return count;
  }

  private audit(caseId: number, who: string, what: string, detail: Readonly<Record<string, unknown>>): void {
    const line: AuditLine = { caseId, atMs: this.options.wallClock(), who, what, detail: JSON.stringify(detail) };
    this.write(this.options.cases.addAudit(line));
  }

  private write(done: Promise<unknown>): void {
    done.catch((error: unknown) => this.options.onTrouble(error instanceof Error ? error.message : String(error)));
  }
}

type About = { readonly user: string; readonly object: string; readonly reporter: string; readonly reason: string };
export type CaseView = { readonly case: ModerationCase; readonly measures: readonly Measure[]; readonly audit: readonly AuditLine[] };

const same = (a: Measure, b: Measure): boolean =>
  a.space === b.space && a.kind === b.kind && a.user === b.user && a.victim === b.victim && a.object === b.object;
