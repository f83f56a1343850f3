import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Alarm, CoreInput, Report } from "../../core/types.ts";
import { CaseFile } from "./case-file.ts";
import { type CaseStore, DEFAULT_RETENTION } from "./case-types.ts";
import { ModerationDesk } from "./moderation-desk.ts";
import type { HiddenText } from "../colyseus/judged-texts.ts";
import { DEFAULT_SAFETY, type SafetySettings } from "./policy.ts";
import { moderationKeeper } from "./person-keeper.ts";
import { openCases } from "./worker-cases.ts";

const MINUTE = 60_000;
const folder = mkdtempSync(join(tmpdir(), "copresence-cases-"));
const open: ModerationDesk[] = [];
afterEach(async () => {
  for (const desk of open.splice(0)) await desk.close();
});

const alarm = (change: Partial<Alarm> = {}): Alarm => ({
  atMs: 0,
  offence: "following",
  user: "eve",
  victim: "ada",
  score: 0.99,
  numbers: { meanNearestM: 0.8 },
  model: "copresence-behaviour 1.0.0",
  ...change,
});
const report = (change: Partial<Report> = {}): Report => ({
  id: 1,
  atMs: 0,
  reporter: "ada",
  user: "eve",
  object: "",
  reason: "harassment",
  text: "canary-words",
  evidence: { lines: [{ id: 1, user: "eve", atMs: 0, text: "canary-line", hidden: false }], distanceM: 0.7, witnesses: ["bob"] },
  ...change,
});

async function desk(options: { cases?: CaseStore; safety?: SafetySettings } = {}) {
  const pushed: CoreInput[] = [];
  const clock = { nowMs: 1e12 };
  const cases = options.cases ?? openCases(":memory:");
  const troubles: string[] = [];
  const moderation = await ModerationDesk.open({
    cases,
    push: (_, input) => void pushed.push(input),
    safetyOf: () => options.safety ?? DEFAULT_SAFETY,
    retention: DEFAULT_RETENTION,
    wallClock: () => clock.nowMs,
    onTrouble: (sentence) => void troubles.push(sentence),
  });
  open.push(moderation);
  const take = (): CoreInput[] => pushed.splice(0);
  return { moderation, cases, clock, take, troubles };
}

const hiddenText = (user: string, text: string): HiddenText => ({
  user,
  text,
  reason: "insult",
  by: { model: "text-en", version: "1", why: ["insult 0.93 >= 0.7"], thresholds: { insult: 0.7 } },
});

describe("ModerationDesk", () => {
  it("[PO1] [MO2] hides a follower from whom they follow, for a while, and writes down why", async () => {
    const { moderation, clock, take } = await desk();
    moderation.alarm("demo", alarm());
    expect(take().filter(({ kind }) => kind === "hide")).toEqual([
      { kind: "hide", viewer: "ada", source: "eve", reason: "bubble", hidden: true },
      { kind: "hide", viewer: "eve", source: "ada", reason: "bubble", hidden: true },
    ]);
    const view = await moderation.look("demo", 1);
    expect(view?.case).toMatchObject({ source: "behaviour", user: "eve", reporter: "ada", state: "open", severity: 1 });
    expect(view?.audit.map(({ who, what }) => `${who}: ${what}`)).toEqual(["policy: opened by behaviour", "policy: set bubble"]);
    expect(view?.audit[0]?.detail).toContain("copresence-behaviour 1.0.0");
    clock.nowMs += 11 * MINUTE;
    moderation.sweep();
    expect(take().filter(({ kind }) => kind === "hide")).toMatchObject([{ hidden: false }, { hidden: false }]);
  });

  it("[PO2] takes nothing from anybody because of a report", async () => {
    const { moderation, take } = await desk();
    for (const reason of ["threat", "harassment"] as const) moderation.report("demo", report({ reason }));
    expect(take()).toEqual([]);
    expect((await moderation.queue("demo", "open", 10)).map(({ severity, reason }) => [severity, reason])).toEqual([
      [3, "threat"],
      [2, "harassment"],
    ]);
    expect(await moderation.look("elsewhere", 1)).toBeUndefined();
  });

  it("carries a decision out, takes an appeal and takes the decision back", async () => {
    const { moderation, take } = await desk();
    moderation.report("demo", report());
    expect(await moderation.decide("demo", 1, "mod", { kind: "mute", forMs: 5 * MINUTE, words: "enough" })).toBe(true);
    expect(take()).toMatchObject([
      { kind: "tell", what: "mute", on: true, measure: 1 },
      { kind: "restrict", user: "eve", what: "mute", on: true },
    ]);
    expect(moderation.appeal("demo", "ada", 1, "not mine")).toBe(false);
    expect(moderation.appeal("demo", "eve", 0, "I was quoting")).toBe(true);
    expect((await moderation.queue("demo", "appealed", 10)).map(({ id }) => id)).toEqual([1]);
    expect(moderation.rollback("demo", 1, "boss")).toBe(true);
    expect(moderation.rollback("demo", 1, "boss")).toBe(false);
    expect(take()).toMatchObject([
      { kind: "restrict", what: "mute", on: false },
      { kind: "tell", on: false },
    ]);
    const { audit = [] } = (await moderation.look("demo", 1)) ?? {};
    expect(audit.map(({ who, what }) => `${who}: ${what}`).slice(1)).toEqual([
      "mod: decided mute",
      "mod: set mute",
      "eve: appealed",
      "boss: ended mute",
    ]);
    expect(await moderation.decide("demo", 1, "mod", { kind: "quarantine", forMs: MINUTE, words: "" })).toBe(false);
  });

  it("an appealed case is closed by refusing the appeal, which takes nothing back, or by taking the last measure back", async () => {
    const { moderation, take } = await desk();
    moderation.report("demo", report());
    await moderation.decide("demo", 1, "mod", { kind: "mute", forMs: 5 * MINUTE, words: "" });
    const refuse = (): Promise<boolean> => moderation.decide("demo", 1, "boss", { kind: "uphold", forMs: MINUTE, words: "Clear enough." });
    expect(await refuse()).toBe(false);
    moderation.appeal("demo", "eve", 1, "please");
    take();
    expect(await refuse()).toBe(true);
    expect(take()).toMatchObject([{ kind: "tell", user: "eve", what: "mute", on: true, sentence: expect.stringContaining("stays as it is") }]);
    expect((await moderation.look("demo", 1))?.case.state).toBe("closed");
    moderation.appeal("demo", "eve", 1, "again");
    expect((await moderation.look("demo", 1))?.case.state).toBe("appealed");
    moderation.rollback("demo", 1, "boss");
    await expect.poll(async () => (await moderation.look("demo", 1))?.case.state).toBe("closed");
    expect(moderation.appeal("demo", "eve", 1, "nothing holds")).toBe(false);
  });

  it("answers floods in steps, mutes after several hidden texts, and obeys a scene that wants people to decide", async () => {
    const { moderation, take } = await desk();
    moderation.alarm("demo", alarm({ offence: "objectSpam", victim: "", score: 3 }));
    expect(take()).toContainEqual({ kind: "restrict", user: "eve", what: "freeze", on: true });
    for (let i = 0; i < DEFAULT_SAFETY.hiddenTexts; i++) moderation.textHidden("demo", hiddenText("joe", "bad"));
    expect(take()).toContainEqual({ kind: "restrict", user: "joe", what: "mute", on: true });
    const careful = await desk({ safety: { automatic: false, scores: { following: 0.9 }, hiddenTexts: 3 } });
    careful.moderation.alarm("demo", alarm({ score: 0.5 }));
    careful.moderation.alarm("demo", alarm());
    expect(careful.take()).toEqual([]);
    expect(await careful.moderation.queue("demo", "open", 10)).toHaveLength(1);
  });

  it("[MO1] holds measures over a restart and in rooms that open later", async () => {
    const file = join(folder, "restart.sqlite");
    const before = await desk({ cases: openCases(file) });
    before.moderation.report("demo", report());
    await before.moderation.decide("demo", 1, "mod", { kind: "remove", forMs: 60 * MINUTE, words: "" });
    await open.pop()?.close();
    const after = await desk({ cases: openCases(file) });
    after.moderation.opened("other");
    expect(after.take()).toEqual([]);
    after.moderation.opened("demo");
    expect(after.take()).toContainEqual({ kind: "restrict", user: "eve", what: "remove", on: true });
    after.moderation.alarm("demo", alarm());
    expect((await after.moderation.queue("demo", "all", 10)).map(({ id }) => id)).toContain(2);
  });

  it("[MO5] tells who comes in what holds against them, why and for how much longer, and others nothing", async () => {
    const { moderation, clock, take } = await desk();
    moderation.report("demo", report());
    await moderation.decide("demo", 1, "mod", { kind: "mute", forMs: 60 * MINUTE, words: "" });
    const said = (left: string): string =>
      `You may not chat here for the next ${left}. Reason: harassment. You can appeal; a moderator then looks at it again.`;
    expect(take()).toContainEqual({ kind: "tell", user: "eve", measure: 1, what: "mute", on: true, sentence: said("60 minutes") });
    clock.nowMs += 12 * MINUTE + 1;
    for (const [space, user] of [
      ["demo", "ada"],
      ["elsewhere", "eve"],
      ["demo", "eve"],
    ] as const)
      moderation.joined(space, user);
    const told: CoreInput[] = [];
    await expect.poll(() => told.push(...take())).toBe(1);
    expect(told).toEqual([{ kind: "tell", user: "eve", measure: 1, what: "mute", on: true, sentence: said("48 minutes") }]);
    moderation.joined("demo", "eve");
    moderation.rollback("demo", 1, "boss");
    take();
    // Asked before it was taken back, answered after.
    await moderation.look("demo", 1);
    expect(take()).toEqual([]);
  });

  it("[MO4] protects people although the file cannot be written", async () => {
    const { moderation, cases, take, troubles } = await desk();
    await cases.close();
    moderation.alarm("demo", alarm());
    expect(take().filter(({ kind }) => kind === "hide")).toHaveLength(2);
    await expect.poll(() => troubles.length).toBeGreaterThan(0);
  });

  it("[CF2] P19 forgets what is too old and who asks to be, also on the disk", async () => {
    const file = join(folder, "erase.sqlite");
    const { moderation, clock } = await desk({ cases: openCases(file) });
    moderation.report("demo", report());
    moderation.report(
      "demo",
      report({ reporter: "joe", user: "kim", evidence: { lines: [], distanceM: 1, witnesses: ["eve"] }, text: "canary-old" }),
    );
    const exported = await moderation.exportPerson("eve");
    expect(exported.cases).toHaveLength(1);
    expect(JSON.stringify(exported)).toContain("canary-line");
    // Who reported them, and in which words, is not theirs.
    expect(JSON.stringify(exported)).not.toMatch(/ada|canary-words/);
    expect(await moderation.erasePerson("eve")).toBeGreaterThan(0);
    expect((await moderation.exportPerson("eve")).cases).toEqual([]);
    const onDisk = (): string =>
      readdirSync(folder)
        .filter((name) => name.startsWith("erase"))
        .map((name) => readFileSync(join(folder, name), "latin1"))
        .join("");
    expect(onDisk()).not.toMatch(/canary-line|canary-words|"eve"/);
    expect(onDisk()).toContain("canary-old");
    clock.nowMs += DEFAULT_RETENTION.casesMs + MINUTE;
    moderation.sweep();
    await expect.poll(() => moderation.queue("demo", "all", 10)).toEqual([]);
    expect(onDisk()).not.toContain("canary-old");
  });
});

describe("moderationKeeper", () => {
  it("[PK1] hands out and erases over a desk and over the file alone, and says when it cannot", async () => {
    const { moderation, take } = await desk();
    moderation.textHidden("demo", hiddenText("eve", "canary-hidden"));
    for (let i = 0; i < 2; i++) moderation.textHidden("demo", hiddenText("eve", "canary-hidden"));
    expect(take()).toContainEqual({ kind: "restrict", user: "eve", what: "mute", on: true });
    const people = moderationKeeper(moderation);
    const exported = await people.exportPerson("eve");
    // A hidden text is what they wrote themselves.
    expect(exported.ok && JSON.stringify(exported.value)).toContain("canary-hidden");
    expect(await people.erasePerson("eve")).toMatchObject({ ok: true, value: { left: [] } });
    expect(take()).toContainEqual({ kind: "restrict", user: "eve", what: "mute", on: false });

    const cases = openCases(join(folder, "keeper.sqlite"));
    const alone = moderationKeeper(cases);
    expect(await alone.erasePerson("nobody")).toEqual({ ok: true, value: { done: { rows: 0 }, left: [] } });
    await cases.close();
    expect(await alone.exportPerson("eve")).toMatchObject({ ok: false, error: expect.stringMatching(/^Moderation: /) });
  });
});

describe("CaseFile", () => {
  it("[CF1] lets the oldest closed cases go first", () => {
    const file = new CaseFile(":memory:", 2);
    const entry = {
      space: "demo",
      openedMs: 1,
      source: "report",
      severity: 2,
      user: "eve",
      object: "",
      reporter: "",
      reason: "",
      evidence: "{}",
    } as const;
    file.addCase({ ...entry, id: 1, state: "open" });
    file.addCase({ ...entry, id: 2, state: "closed" });
    file.addCase({ ...entry, id: 3, state: "open" });
    expect(
      file
        .queue("demo", "all", 10)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1, 3]);
    file.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
