/**
 * `npm run chaos -- kill`: a real server process under twenty editing people and a document of ten megabytes is killed with SIGKILL again and
 * again, at random moments of its life (its start included) and at named places of its store. After every death the next life must know
 * everything that was ever acknowledged (PROMISES P1).
 *
 * [KI1] At every join the room's state vector is compared with every (clientID, clock) acknowledged so far.
 * [KI2] Every CONTENT_EVERY kills, and at the end, a whole SDK fetches the document: every acknowledged marker is in its note, every
 *       acknowledged deletion holds, the ten megabytes are what they were.
 * [KI3] A server that ends otherwise than by the signal, or that refuses to start, is a failure.
 * [KI4] Recovery is the server's own time: opening the store, reading the scene, building the document, summed from its metrics. The wall time
 *       from the start of the process until everybody is inside, with Node's own start, is reported beside it.
 * [KI5] Most lives are begun by a process that has read its sources while its predecessor still lived, and waited (wait-here.ts): it opens the
 *       store after that one's death, and has no child process for the pipeline, which has no part in what is promised here. Those killed
 *       during their start, and every COLD_EVERY-th, are started cold and with everything; only they count for the wall time.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect, devTickets, type Space } from "@copresence/client/node";
import { CRASH_POINTS, type CrashPoint } from "@copresence/server/store/crash-point";
import type * as Y from "yjs";
import { Random } from "../random.ts";
import type { Figure } from "../report.ts";
import { Editor } from "./editor.ts";
import { fillStore } from "./filled-store.ts";
import { type Death, keepCompiled, metricOf, startVictim, type Victim } from "./victim.ts";

export type KillOptions = {
  readonly count: number;
  /** How many of the kills are at named places; the rest are at random moments. */
  readonly named: number;
  /** The places, in turn; default all. */
  readonly places?: readonly CrashPoint[];
  readonly editors: number;
  readonly documentBytes: number;
  readonly seed: number;
  readonly onProgress: (line: string) => void;
  /** Asked before each life; true: it is the last one. */
  readonly isEnough?: (() => boolean) | undefined;
};

export type KillResult = {
  readonly kills: number;
  readonly named: number;
  readonly duringStart: number;
  readonly acked: number;
  /** In words; empty when every promise was kept. */
  readonly violations: readonly string[];
  readonly lost: number;
  /** In the order of the lives. */
  readonly recoveryMs: readonly number[];
  /** Those among them of lives that were started cold. */
  readonly coldMs: readonly number[];
  readonly restartMs: readonly number[];
  readonly documentBytes: number;
  /** Named places that were reached, how often. */
  readonly places: Readonly<Partial<Record<CrashPoint, number>>>;
};

const SPACE = "notes";
/** Edits of one person a second: twenty of them fill the log within a second, so that compactions run in every other life. */
const EDITS_HZ = 30;
const LIFE_MS = { least: 30, most: 500 };
/** A named place that is not reached in this time is given up; it counts as a kill at a random moment. */
const PATIENCE_MS = 12_000;
const DYING_MS = 2000;
/** This part of the random kills falls into the start, within this time after the process was started. */
const START_KILLS = 0.15;
const CONTENT_EVERY = 50;
const PROGRESS_EVERY = 20;
const COLD_EVERY = 10;

/** How one life is going to end, and whether its process may be started early. */
type Fate = {
  readonly place: CrashPoint | undefined;
  readonly crash: { readonly at: CrashPoint; readonly hit: number } | undefined;
  readonly startKill: boolean;
  readonly cold: boolean;
};

export async function runKills(options: KillOptions): Promise<KillResult> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-kill-"));
  try {
    return await new KillRun(options, join(folder, "scenes.sqlite")).run();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

class KillRun {
  private readonly options: KillOptions;
  private readonly file: string;
  private readonly random: Random;
  private readonly editors: readonly Editor[];
  private readonly violations: string[] = [];
  private readonly recoveryMs: number[] = [];
  private readonly coldMs: number[] = [];
  private readonly restartMs: number[] = [];
  private readonly places: Partial<Record<CrashPoint, number>> = {};
  private named = 0;
  private duringStart = 0;
  private baseHash = "";
  private startMs = 1000;
  /** At hand for the life that is next. */
  private spare: Victim | undefined;

  constructor(options: KillOptions, file: string) {
    this.options = options;
    this.file = file;
    this.random = new Random(options.seed);
    this.editors = Array.from({ length: options.editors }, (_, index) => new Editor(`editor-${index}`, this.random.fork(`editor ${index}`)));
  }

  async run(): Promise<KillResult> {
    const { count, named, documentBytes, onProgress, isEnough, places: visits = CRASH_POINTS } = this.options;
    const filled = await fillStore(this.file, SPACE, documentBytes);
    onProgress(`a document of ${filled.bytes} bytes in ${filled.objects} notes`);
    await keepCompiled({ store: this.file, space: SPACE }, (url) => this.editors[0]?.join(url, SPACE) ?? Promise.resolve());
    await this.checkContent();
    const startedMs = performance.now();
    // Named kills are spread evenly over the run, and go round the places.
    const placeOf = (kill: number): CrashPoint | undefined =>
      Math.floor(((kill + 1) * named) / count) > Math.floor((kill * named) / count) ? visits[this.named++ % visits.length] : undefined;
    let fate = this.fateOf(placeOf(0), 0);
    let kills = 0;
    for (let isLast = false; !isLast; kills++) {
      const kill = kills;
      isLast = kill >= count - 1 || isEnough?.() === true;
      const checks = (kill + 1) % CONTENT_EVERY === 0 || isLast;
      const next = isLast ? undefined : this.fateOf(placeOf(kill + 1), kill + 1);
      await this.life(fate, checks ? undefined : next);
      fate = next ?? fate;
      if (checks) await this.checkContent();
      if ((kill + 1) % PROGRESS_EVERY === 0 || isLast) {
        const perKill = (performance.now() - startedMs) / (kill + 1) / 1000;
        onProgress(
          `${kill + 1} of ${count} kills, ${this.acked} edits acknowledged, ${this.violations.length} violations, ${perKill.toFixed(2)} s a kill`,
        );
      }
    }
    const { violations, recoveryMs, coldMs, restartMs, places, duringStart } = this;
    const lost = this.editors.reduce((sum, editor) => sum + editor.lost, 0);
    return { kills, named, duringStart, acked: this.acked, violations, lost, recoveryMs, coldMs, restartMs, documentBytes: filled.bytes, places };
  }

  private get acked(): number {
    return this.editors.reduce((sum, { acked }) => sum + acked, 0);
  }

  private fateOf(place: CrashPoint | undefined, kill: number): Fate {
    const { random } = this;
    const hit = place?.startsWith("append") === true ? 1 + random.int(40) : 1 + (place === "snapshot.chunk" ? random.int(20) : 0);
    const startKill = place === undefined && random.chance(START_KILLS);
    return { place, crash: place && { at: place, hit }, startKill, cold: startKill || kill % COLD_EVERY === 0 };
  }

  /** One life of the server, to its end; meanwhile the process of the `next` one may make itself ready. */
  private async life({ place, crash, startKill, cold }: Fate, next: Fate | undefined): Promise<void> {
    const { random } = this;
    const before = performance.now();
    const victim = this.spare ?? startVictim({ store: this.file, space: SPACE, crash });
    this.spare = undefined;
    victim.begin();
    if (startKill) {
      this.duringStart++;
      setTimeout(() => victim.process.kill("SIGKILL"), random.between(0, this.startMs * 1.3));
    }
    const url = await victim.url;
    const inside = url !== undefined && (await this.joinAll(url));
    if (inside) {
      const readyMs = performance.now() - before;
      if (cold) {
        this.startMs += (readyMs - this.startMs) / 8;
        this.restartMs.push(readyMs);
      }
      if (next?.cold === false) this.spare = startVictim({ store: this.file, space: SPACE, crash: next.crash, spare: true });
      const tookMs = await recoveryOf(url);
      if (tookMs !== undefined) {
        this.recoveryMs.push(tookMs);
        if (cold) this.coldMs.push(tookMs);
      }
      const wait = place === undefined ? random.between(LIFE_MS.least, LIFE_MS.most) : PATIENCE_MS;
      await this.editUntil(victim, wait);
    }
    // It dies at the place in its own time; that nobody got in may be heard before that it is gone.
    if (place !== undefined && !inside) await Promise.race([victim.died, pause(DYING_MS)]);
    const byItself = victim.process.signalCode !== null;
    if (!byItself) victim.process.kill("SIGKILL");
    this.judgeDeath(await victim.died);
    if (place !== undefined && byItself) this.places[place] = (this.places[place] ?? 0) + 1;
    for (const editor of this.editors) editor.leave();
    this.collect();
  }

  private async joinAll(url: string): Promise<boolean> {
    const joined = await Promise.all(this.editors.map((editor) => editor.join(url, SPACE)));
    return joined.every(Boolean);
  }

  /** Everybody edits at their own pace until the time is up or the server has died. */
  private async editUntil(victim: Victim, ms: number): Promise<void> {
    const timers = this.editors.map((editor) => setInterval(() => editor.edit(), (1000 / EDITS_HZ) * this.random.between(0.8, 1.25)));
    let enough: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      enough = setTimeout(resolve, ms);
    });
    await Promise.race([patience, victim.died]);
    clearTimeout(enough);
    for (const timer of timers) clearInterval(timer);
  }

  /** [KI3] */
  private judgeDeath({ signal, code, output }: Death): void {
    if (signal !== "SIGKILL") this.violations.push(`the server ended with ${code}: ${output.slice(-500)}`);
    if (/"level":(50|60)/.test(output)) this.violations.push(`the server complained: ${output.slice(-500)}`);
  }

  /** [KI1]; an edit the gate refused would be a fault of this run. */
  private collect(): void {
    for (const [index, editor] of this.editors.entries()) {
      if (editor.lost > 0 && this.violations.length < 20) this.violations.push(`editor ${index} lost ${editor.lost} acknowledged clocks`);
      if (editor.denied > 0) this.violations.push(`editor ${index} was refused an edit`);
      editor.denied = 0;
    }
  }

  /** [KI2], in a life of its own that ends as violently as the others. */
  private async checkContent(): Promise<void> {
    const victim = startVictim({ store: this.file, space: SPACE });
    const url = await victim.url;
    if (url === undefined) return void this.violations.push(`the server did not start: ${(await victim.died).output.slice(-500)}`);
    const space = await connect({ url, space: SPACE, ticket: devTickets(url, { space: SPACE, name: "reader" }), patienceMs: 60_000 });
    const { doc } = (space as Space).objects;
    for (const editor of this.editors) this.violations.push(...editor.missingFrom(doc).slice(0, 5));
    const hash = baseHash(doc);
    if (this.baseHash !== "" && hash !== this.baseHash) this.violations.push("the ten megabytes are not what they were");
    this.baseHash = hash;
    victim.process.kill("SIGKILL");
    await space.leave();
    await victim.died;
  }
}

/** Opening the store, reading the scene and building its document, ms. */
async function recoveryOf(url: string): Promise<number | undefined> {
  const [open, load] = await Promise.all([
    metricOf(url, "copresence_store_open_milliseconds"),
    metricOf(url, "copresence_scene_load_milliseconds_sum"),
  ]);
  return open === undefined || load === undefined ? undefined : open + load;
}

function baseHash(doc: Y.Doc): string {
  const hash = createHash("sha256");
  const objects = doc.getMap<Y.Map<unknown>>("objects");
  for (const id of [...objects.keys()].filter((key) => key.startsWith("base-")).sort())
    hash.update(`${id}${JSON.stringify(objects.get(id)?.toJSON())}`);
  return hash.digest("hex");
}

export function killFigures(result: KillResult): Figure[] {
  const { recoveryMs, coldMs, restartMs } = result;
  const recovery = quantile(recoveryMs, 0.99);
  const fifth = Math.ceil(recoveryMs.length / 5);
  return [
    { id: "kill.count", value: result.kills, unit: "kills" },
    { id: "kill.named", value: Object.values(result.places).reduce((sum, hits) => sum + hits, 0), unit: "kills at named places" },
    { id: "kill.during_start", value: result.duringStart, unit: "kills during the start" },
    { id: "kill.acked", value: result.acked, unit: "acknowledged edits" },
    { id: "kill.document_bytes", value: result.documentBytes, unit: "B" },
    { id: "kill.lost", value: result.lost, unit: "acknowledged clocks", bar: "= 0", ok: result.lost === 0 },
    { id: "kill.violations", value: result.violations.length, unit: "", bar: "= 0", ok: result.violations.length === 0 },
    { id: "kill.recovery_ms_p50", value: quantile(recoveryMs, 0.5), unit: "ms" },
    { id: "kill.recovery_ms_p99", value: recovery, unit: "ms", bar: "< 1000", ok: recovery < 1000 },
    { id: "kill.recovery_cold_ms_p50", value: quantile(coldMs, 0.5), unit: "ms" },
    { id: "kill.recovery_cold_ms_p99", value: quantile(coldMs, 0.99), unit: "ms" },
    { id: "kill.recovery_first_fifth_ms_p50", value: quantile(recoveryMs.slice(0, fifth), 0.5), unit: "ms" },
    { id: "kill.recovery_last_fifth_ms_p50", value: quantile(recoveryMs.slice(-fifth), 0.5), unit: "ms" },
    { id: "kill.restart_ms_p50", value: quantile(restartMs, 0.5), unit: "ms" },
    { id: "kill.restart_ms_p99", value: quantile(restartMs, 0.99), unit: "ms" },
  ];
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}
