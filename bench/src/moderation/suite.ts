/**
 * `npm run bench -- moderation [--data PATH] [--json FILE]`: the default text model against the npm package obscenity on the same texts in the same run.
 * bench/README.md explains the figures and the format of files to bring.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Judgement, MAX_TEXT_MODEL_BYTES, openModerator, TEXT_MODEL_FOLDER, type TextModerator } from "@copresence/server/moderation";
import { englishDataset, englishRecommendedTransformers, RegExpMatcher } from "obscenity";
import type { Figure } from "../report.ts";
import { BadInput, type SuiteOptions, type SuiteResult } from "../suite.ts";
import { type Case, readHateCheck, readTsv } from "./cases.ts";
import { auc, f1, share } from "./score.ts";

const DATA = "../shared/data/text";
const CHAT = fileURLToPath(new URL("../../../server/training/chat/heldout-chat.tsv", import.meta.url));
const BARS = { auc_chat: 0.87, auc_hatecheck: 0.75, ham_fpr: 0.01, p50_ms: 0.2, p99_ms: 2 } as const;
const PEER = "obscenity";
export type Scale = {
  /** Messages judged one by one for the times, after as many others for warming up; at most. */
  readonly timed: number;
};
const FULL: Scale = { timed: 4000 };
const HATECHECK = "hatecheck/development_cases.csv";
const SMS = "sms-spam/sms.tsv";
const KNOWN = [HATECHECK, SMS];
/** Spam and grooming are no toxicity and no harmless talk either: they have heads, and figures, of their own. */
const APART: ReadonlySet<string> = new Set(["spam", "grooming"]);

const atLeast = (value: number, bar: number) => ({ bar: `>= ${bar}`, ok: value >= bar });
const atMost = (value: number, bar: number) => ({ bar: `<= ${bar}`, ok: value <= bar });

export async function moderation({ data = DATA }: SuiteOptions, progress: (line: string) => void, scale: Scale = FULL): Promise<SuiteResult> {
  const brought = data === DATA ? [] : tsvFiles(data);
  const { moderator, fault } = await openModerator();
  if (fault !== undefined) throw new Error(`the default model cannot be used (${fault.code}): ${fault.message}`);
  const bench = new Bench(moderator);
  const known = existsSync(join(data, "hatecheck")) ? data : DATA;
  const figures: Figure[] = [];

  progress("held-out chat lines");
  figures.push(...(await bench.chat(readTsv(CHAT))));
  const hateCheck = join(known, HATECHECK);
  if (existsSync(hateCheck)) {
    progress("HateCheck");
    figures.push(...(await bench.hateCheck(readHateCheck(hateCheck))));
  } else progress(`NO ${hateCheck}: HateCheck is not measured.`);
  const sms = join(known, SMS);
  if (existsSync(sms)) {
    progress("SMS");
    figures.push(...(await bench.ham(readTsv(sms))));
  } else progress(`NO ${sms}: false positives on SMS are not measured.`);
  for (const file of brought) {
    progress(file);
    figures.push(...(await bench.brought(file)));
  }
  progress("times");
  figures.push(...(await bench.times(scale.timed)));
  figures.push(modelSize());
  return { settings: { model: moderator.modelVersion, peer: `${PEER} englishDataset, recommended transformers`, data: basename(data) }, figures };
}

/** The TSV files of a folder, or the one file. */
function tsvFiles(path: string): string[] {
  if (!existsSync(path)) throw new BadInput(`--data ${path}: there is no such file or folder`);
  if (statSync(path).isFile()) return [path];
  const files = readdirSync(path)
    .filter((name) => name.endsWith(".tsv"))
    .sort()
    .map((name) => join(path, name));
  // A folder laid out as the recorded sets brings those.
  if (files.length === 0 && !KNOWN.some((known) => existsSync(join(path, known)))) throw new BadInput(`--data ${path}: no *.tsv in this folder`);
  return files;
}

class Bench {
  private readonly matcher = new RegExpMatcher({ ...englishDataset.build(), ...englishRecommendedTransformers });
  private readonly moderator: TextModerator;
  /** Texts by source, in their order. */
  private readonly seen: string[][] = [];

  constructor(moderator: TextModerator) {
    this.moderator = moderator;
  }

  async chat(cases: readonly Case[]): Promise<Figure[]> {
    const judged = await this.judge(cases);
    const toxicity = cases.map((_, i) => i).filter((i) => !APART.has(cases[i]?.slice ?? ""));
    const figures = this.ranking("moderation.auc_chat", "toxic", pick(cases, toxicity), pick(judged, toxicity), BARS.auc_chat);
    for (const head of ["insult", "hate", "threat", "sexual", "spam", "grooming"]) {
      const value = auc(
        scoresOf(judged, head),
        cases.map(({ slice }) => slice.split(",").includes(head)),
      );
      figures.push({ id: `moderation.chat.${head}.auc`, value, unit: "AUC" });
    }
    return [...figures, ...this.flaggedBySlice("moderation.chat.flagged", cases, judged)];
  }

  async hateCheck(cases: readonly Case[]): Promise<Figure[]> {
    const judged = await this.judge(cases);
    const figures = this.ranking("moderation.auc_hatecheck", "hate", cases, judged, BARS.auc_hatecheck);
    // By function: its cases against all cases of the other label.
    for (const slice of [...new Set(cases.map(({ slice }) => slice))].sort()) {
      const label = cases.find((one) => one.slice === slice)?.positive;
      const among = cases.map((_, i) => i).filter((i) => cases[i]?.slice === slice || cases[i]?.positive !== label);
      const value = auc(
        scoresOf(pick(judged, among), "hate"),
        pick(cases, among).map(({ positive }) => positive),
      );
      figures.push({ id: `moderation.hatecheck.${slice}.auc`, value, unit: "AUC" });
    }
    return figures;
  }

  async ham(messages: readonly Case[]): Promise<Figure[]> {
    const ham = messages.filter(({ positive }) => !positive);
    const judged = await this.judge(ham);
    const value = share(judged.map(({ flagged }) => flagged));
    const spam = messages.filter(({ positive }) => positive);
    const spamScores = scoresOf(await this.judge(spam), "spam");
    const spamAuc = auc([...scoresOf(judged, "spam"), ...spamScores], [...judged.map(() => false), ...spam.map(() => true)]);
    return [
      { id: "moderation.ham_fpr", value, unit: "of ham", ...atMost(value, BARS.ham_fpr) },
      { id: "moderation.ham_fpr.obscenity", value: share(ham.map(({ text }) => this.matcher.hasMatch(text))), unit: "of ham", peer: PEER },
      { id: "moderation.sms_spam.auc", value: spamAuc, unit: "AUC of spam" },
    ];
  }

  /**
   * A file somebody brought. When its name or its labels speak of one head, that is the figure, and the other heads stand beside it; of
   * several, or none, it is `toxic`, as for the held-out chat: without spam and grooming where other labels are there, too.
   */
  async brought(file: string): Promise<Figure[]> {
    const cases = readTsv(file);
    const judged = await this.judge(cases);
    const id = `moderation.data.${basename(file).replace(/\.tsv$/u, "")}`;
    const speaksOf = (names: Iterable<string>): string[] =>
      this.moderator.heads.filter((one) => one !== "toxic" && [...names].some((name) => name.includes(one)));
    const positives = new Set(cases.filter((one) => one.positive).map(({ slice }) => slice));
    const named = speaksOf([basename(file).toLowerCase()]);
    const labelled = speaksOf(positives);
    const only = named.length === 1 ? named[0] : labelled.length === 1 && positives.size === 1 ? labelled[0] : undefined;
    const mixed = [...positives].some((slice) => !APART.has(slice));
    const among = cases.map((_, i) => i).filter((i) => only !== undefined || !mixed || !APART.has(cases[i]?.slice ?? ""));
    const flagged = this.flaggedBySlice(`${id}.flagged`, cases, judged);
    // One label alone ranks nothing.
    if (new Set(pick(cases, among).map(({ positive }) => positive)).size < 2) return flagged;
    const figures = this.ranking(`${id}.auc`, only ?? "toxic", pick(cases, among), pick(judged, among));
    const positive = cases.map((one) => one.positive);
    for (const other of this.moderator.heads) {
      if (other === (only ?? "toxic")) continue;
      // Where labels name heads, each is told from everything else.
      const own = labelled.length > 1 && labelled.includes(other);
      const truth = own ? cases.map(({ slice }) => slice.includes(other)) : positive;
      figures.push({ id: `${id}.${other}.auc`, value: auc(scoresOf(judged, other), truth), unit: own ? `AUC, ${other} against the rest` : "AUC" });
    }
    return [...figures, ...flagged];
  }

  /** AUC of a head and F1 of the decision, the peer beside both. The peer's score is the number of its matches. */
  private ranking(id: string, head: string, cases: readonly Case[], judged: readonly Judgement[], bar?: number): Figure[] {
    const positive = cases.map((one) => one.positive);
    const value = auc(scoresOf(judged, head), positive);
    const matches = cases.map(({ text }) => this.matcher.getAllMatches(text).length);
    return [
      { id, value, unit: `AUC of ${head}, n=${cases.length}`, ...(bar === undefined ? {} : atLeast(value, bar)) },
      { id: `${id}.obscenity`, value: auc(matches, positive), unit: "AUC", peer: PEER },
      {
        id: `${id}.f1`,
        value: f1(
          judged.map(({ flagged }) => flagged),
          positive,
        ),
        unit: "F1 at the thresholds",
      },
      {
        id: `${id}.f1.obscenity`,
        value: f1(
          matches.map((count) => count > 0),
          positive,
        ),
        unit: "F1",
        peer: PEER,
      },
    ];
  }

  private flaggedBySlice(id: string, cases: readonly Case[], judged: readonly Judgement[]): Figure[] {
    return [...new Set(cases.map(({ slice }) => slice))].slice(0, 40).map((slice) => {
      const flags = judged.filter((_, i) => cases[i]?.slice === slice).map(({ flagged }) => flagged);
      return { id: `${id}.${slice}`, value: share(flags), unit: `flagged, n=${flags.length}` };
    });
  }

  /**
   * One message at a time, features included, in the order they came. The model remembers words, so it is opened anew, warmed by one half of the texts and
   * timed on the other, of which it has seen no text; the same texts once more are what it makes of messages it knows.
   */
  async times(count: number): Promise<Figure[]> {
    const { moderator, fault } = await openModerator();
    if (fault !== undefined) throw new Error(`the default model cannot be opened again (${fault.code}): ${fault.message}`);
    const [warming, fresh] = halves(this.seen, count);
    await timed(moderator, warming);
    const first = await timed(moderator, fresh);
    const again = await timed(moderator, fresh);
    const from = performance.now();
    for (let i = 0; i < fresh.length; i += 16) await moderator.judgeAll(fresh.slice(i, i + 16).map((text) => ({ text })));
    const batched = (performance.now() - from) / fresh.length;
    return [
      { id: "moderation.p50_ms", value: first(0.5), unit: `ms, n=${fresh.length} not seen before`, ...atMost(first(0.5), BARS.p50_ms) },
      { id: "moderation.p95_ms", value: first(0.95), unit: "ms" },
      { id: "moderation.p99_ms", value: first(0.99), unit: "ms", ...atMost(first(0.99), BARS.p99_ms) },
      { id: "moderation.known_p50_ms", value: again(0.5), unit: "ms, the same texts again" },
      { id: "moderation.known_p99_ms", value: again(0.99), unit: "ms" },
      { id: "moderation.batch16_ms", value: batched, unit: "ms per message in batches of 16, known texts" },
    ];
  }

  private async judge(cases: readonly Case[]): Promise<Judgement[]> {
    const judged: Judgement[] = [];
    for (let at = 0; at < cases.length; at += 64) judged.push(...(await this.moderator.judgeAll(cases.slice(at, at + 64))));
    this.seen.push(cases.map(({ text }) => text));
    return judged;
  }
}

/** The first half of every source's texts and what of the second is not among them, at most `count` each, in their order. */
function halves(sources: readonly (readonly string[])[], count: number): [warming: string[], fresh: string[]] {
  const warming = sources.flatMap((texts) => texts.slice(0, texts.length >> 1));
  const known = new Set(warming);
  const fresh = [...new Set(sources.flatMap((texts) => texts.slice(texts.length >> 1)))].filter((text) => !known.has(text));
  return [warming.slice(0, count), fresh.slice(0, count)];
}

/** Quantile -> ms of judging one of the texts. */
async function timed(moderator: TextModerator, texts: readonly string[]): Promise<(quantile: number) => number> {
  const times: number[] = [];
  for (const text of texts) {
    const from = performance.now();
    await moderator.judge(text);
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  return (quantile) => times[Math.floor(quantile * (times.length - 1))] ?? Number.NaN;
}

const scoresOf = (judged: readonly Judgement[], head: string): number[] => judged.map(({ heads }) => heads[head] ?? 0);
const pick = <T>(list: readonly T[], which: readonly number[]): T[] => which.flatMap((i) => (list[i] === undefined ? [] : [list[i]]));

function modelSize(): Figure {
  const bytes = readdirSync(TEXT_MODEL_FOLDER).reduce((sum, name) => sum + statSync(join(TEXT_MODEL_FOLDER, name)).size, 0);
  return { id: "moderation.model_mb", value: bytes / 1e6, unit: "MB", ...atMost(bytes / 1e6, MAX_TEXT_MODEL_BYTES / 1e6) };
}
