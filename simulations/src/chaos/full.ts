/**
 * `npm run chaos -- full`: the disk under a running server fills up: a real file system of one megabyte (tmpfs), people who edit and move, and
 * a file that takes all the space there is (PROMISES P13).
 *
 * [FU1] Everybody is told within a second; from then on nothing is acknowledged, and poses go on.
 * [FU2] When there is space again the server says so by itself, saves what was kept, and has lost nothing: it is killed and asked.
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect, devTickets, frameLoop, type Space } from "@copresence/client/node";
import { Bot } from "../bots/bot.ts";
import { STYLES, SyntheticPerson } from "../people/index.ts";
import { Random } from "../random.ts";
import type { Figure } from "../report.ts";
import { Editor } from "./editor.ts";
import { startVictim } from "./victim.ts";

export type FullOptions = {
  readonly editors: number;
  /** How long the disk stays full. */
  readonly fullMs: number;
  readonly onProgress: (line: string) => void;
};
export type FullResult = {
  /** From the moment the disk was full until the last editor was told. */
  readonly badMs: number;
  /** Acknowledgements between being told of the trouble and of its end. */
  readonly acksAfter: number;
  /** Pose frames a looker-on received while the disk was full, a second. */
  readonly framesHz: number;
  /** From the moment there was space until the last editor was told. */
  readonly goodMs: number;
  readonly acked: number;
  readonly lost: number;
  readonly violations: readonly string[];
};

const SPACE = "notes";
const EDITS_HZ = 10;
const PATIENCE_MS = 10_000;

/** Undefined, with the reason told, where this user may not mount a file system. */
export async function runFull(options: FullOptions): Promise<FullResult | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "copresence-full-"));
  const disk = join(folder, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "pipe" });
  } catch (error) {
    rmSync(folder, { recursive: true });
    options.onProgress(`A file system of one megabyte cannot be mounted here (it takes root): ${String(error).split("\n")[0]}`);
    return undefined;
  }
  try {
    return await fill(disk, options);
  } finally {
    execFileSync("umount", ["-l", disk]);
    rmSync(folder, { recursive: true });
  }
}

async function fill(disk: string, { editors: count, fullMs, onProgress }: FullOptions): Promise<FullResult> {
  const store = join(disk, "scenes.sqlite");
  const ballast = join(disk, "ballast");
  const victim = startVictim({ store, space: SPACE });
  const url = await victim.url;
  if (url === undefined) throw new Error(`The server did not start: ${(await victim.died).output}`);
  const random = new Random(5);
  const editors = Array.from({ length: count }, (_, index) => new Editor(`editor-${index}`, random.fork(String(index))));
  for (const editor of editors) if (!(await editor.join(url, SPACE))) throw new Error("An editor could not join.");
  const [mover, looker] = [await enter(url, "mover"), await enter(url, "looker")];
  const person = new SyntheticPerson({ seed: 5, style: STYLES[1] ?? "work" });
  const bot = new Bot({ space: mover, random, motion: person, walker: person, handles: false, talks: false });
  const stopFrames = frameLoop(20, (nowMs) => {
    bot.step(nowMs);
    looker.frame(nowMs);
  });
  const timers = editors.map((editor) => setInterval(() => editor.edit(), 1000 / EDITS_HZ));
  const violations: string[] = [];
  await until("the first acknowledgements", () => editors.every(({ acked }) => acked > 2));

  fillUp(ballast);
  const fullAtMs = performance.now();
  onProgress("the disk is full");
  await until("the bad news", () => editors.every(({ storageBadMs }) => storageBadMs !== undefined));
  const badMs = Math.max(...editors.map(({ storageBadMs = 0 }) => storageBadMs - fullAtMs));
  const ackedThen = editors.reduce((sum, { acked }) => sum + acked, 0);
  const framesThen = looker.stats.framesIn;
  await pause(fullMs);
  const acksAfter = editors.reduce((sum, { acked }) => sum + acked, 0) - ackedThen;
  const framesHz = ((looker.stats.framesIn - framesThen) / fullMs) * 1000;
  if (looker.saved !== "storage-trouble") violations.push(`a looker-on is told "${looker.saved}" instead of "storage-trouble"`);

  rmSync(ballast);
  const spaceAtMs = performance.now();
  onProgress("there is space again");
  await until("the good news", () => editors.every(({ storageGoodMs = 0 }) => storageGoodMs > spaceAtMs));
  const goodMs = Math.max(...editors.map(({ storageGoodMs = 0 }) => storageGoodMs - spaceAtMs));
  await until("acknowledgements again", () => editors.every(({ lastAckMs, storageGoodMs = 0 }) => lastAckMs > storageGoodMs));
  for (const timer of timers) clearInterval(timer);
  stopFrames();
  for (const editor of editors) if (editor.denied > 0) violations.push("an edit was refused for another reason");
  victim.process.kill("SIGKILL");
  await victim.died;
  await Promise.all([mover.leave(), looker.leave()]);
  for (const editor of editors) editor.leave();

  const heir = startVictim({ store, space: SPACE });
  const again = await heir.url;
  if (again === undefined) throw new Error(`The server did not start again: ${(await heir.died).output}`);
  for (const editor of editors) if (!(await editor.join(again, SPACE))) throw new Error("An editor could not join again.");
  const reader = await enter(again, "reader");
  for (const editor of editors) violations.push(...editor.missingFrom(reader.objects.doc).slice(0, 5));
  await reader.leave();
  for (const editor of editors) editor.leave();
  heir.process.kill("SIGKILL");
  await heir.died;
  const lost = editors.reduce((sum, editor) => sum + editor.lost, 0);
  return { badMs, acksAfter, framesHz, goodMs, acked: editors.reduce((sum, { acked }) => sum + acked, 0), lost, violations };
}

const enter = (url: string, name: string): Promise<Space> =>
  connect({ url, space: SPACE, ticket: devTickets(url, { space: SPACE, name }), patienceMs: 30_000 });

/** Takes all the space there is, to the last byte. */
function fillUp(file: string): void {
  const handle = openSync(file, "w");
  try {
    for (let size = 65_536; size >= 1;) {
      try {
        if (writeSync(handle, Buffer.alloc(size)) === 0) return;
      } catch {
        size >>= 1;
      }
    }
  } finally {
    closeSync(handle);
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`${what} did not come within ${PATIENCE_MS / 1000} s`);
    await pause(5);
  }
}

export function fullFigures({ badMs, acksAfter, framesHz, goodMs, acked, lost, violations }: FullResult): Figure[] {
  return [
    { id: "full.bad_ms", value: badMs, unit: "ms", bar: "<= 1000", ok: badMs <= 1000 },
    { id: "full.acks_after", value: acksAfter, unit: "acknowledgements", bar: "= 0", ok: acksAfter === 0 },
    { id: "full.frames_hz", value: framesHz, unit: "pose frames/s while full", bar: "> 10", ok: framesHz > 10 },
    { id: "full.good_ms", value: goodMs, unit: "ms after there was space" },
    { id: "full.acked", value: acked, unit: "acknowledged edits" },
    { id: "full.lost", value: lost + violations.length, unit: "", bar: "= 0", ok: lost + violations.length === 0 },
  ];
}
