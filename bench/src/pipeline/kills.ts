/**
 * Nothing is lost when workers die: texts are said and objects are made, changed and removed all the time while workers are killed with
 * SIGKILL, one every few seconds. The room's process answers nothing itself in this bench, so every answer is a worker's.
 *
 * Then the index is asked for every object there ever was, by a word of its own.
 */
import { createPipeline, type Pipeline, type PipelineHealth } from "@copresence/server/pipeline";
import { startRedis } from "@copresence/server/pipeline/redis-process";
import { WorkerPool } from "@copresence/server/pipeline/worker-pool";
import { Random } from "@copresence/simulations/random";
import { paced, pause } from "./timing.ts";

export type KillSettings = {
  readonly seconds: number;
  readonly everyMs: number;
  readonly perSecond: number;
  readonly objects: number;
  readonly workers: number;
  /** How often a worker behind Redis is stopped for longer than its lease, and then goes on. */
  readonly stallEveryMs: number;
};
export type KillResult = {
  readonly texts: number;
  readonly changes: number;
  readonly kills: number;
  /** Texts without an answer, and objects that are not found as they are now. */
  readonly lost: number;
  /** Second answers to a text, and objects found twice, or after they were removed or renamed. */
  readonly duplicates: number;
  readonly recoveryMs: number;
  readonly health: PipelineHealth;
};

const SCENES = 8;
const PATIENT = { chatMs: 600_000, textMs: 600_000, searchMs: 600_000, standingMs: 600_000, downMs: 600_000, resendMs: 10_000 };
const USERS = 500;
const ASK_AT_ONCE = 32;
const GIVE_UP_MS = 60_000;
/** Longer than a lease. */
const STALL_MS = 2500;

export async function kills(over: "redis" | "process", settings: KillSettings): Promise<KillResult> {
  if (over === "process") {
    const pipeline = createPipeline({ kind: "process" }, { deadlines: PATIENT });
    return torment(over, pipeline, () => pipeline.health().workers, settings);
  }
  const redis = await startRedis();
  const where = { url: redis.url, namespace: "bench" };
  const pool = new WorkerPool({ ...where, workers: settings.workers, backoffMs: 100, onLog: () => undefined });
  try {
    return await torment(over, createPipeline({ kind: "redis", ...where }, { deadlines: PATIENT }), () => pool.pids, settings);
  } finally {
    await pool.stop();
    await redis.close();
  }
}

async function torment(over: "redis" | "process", pipeline: Pipeline, pids: () => readonly number[], settings: KillSettings): Promise<KillResult> {
  try {
    const random = new Random(7);
    const asked = new Answered(pipeline);
    while (pipeline.health().state !== "ready") await pause(20);
    /** Object -> its version, negative when it was removed. */
    const objects = new Map<number, number>();
    let [version, texts, kills, nextKillMs] = [0, 0, 0, performance.now() + settings.everyMs];
    const stalling = setInterval(() => stall(over === "redis" ? pids()[0] : undefined), settings.stallEveryMs);
    await paced(settings.perSecond, settings.seconds * 1000, () => {
      version++;
      const object = random.int(settings.objects);
      const removed = (objects.get(object) ?? 0) > 0 && random.chance(0.1);
      pipeline.offer(sceneOf(object), removed ? { kind: "objectGone", object: `o${object}`, version } : thing(object, version));
      objects.set(object, removed ? -version : version);
      pipeline.offer(sceneOf(texts), {
        kind: "text",
        subject: { kind: "chat", id: texts },
        version: 1,
        user: `u${texts % USERS}`,
        text: `line ${texts}`,
      });
      texts++;
      if (performance.now() < nextKillMs) return;
      nextKillMs += settings.everyMs;
      const alive = pids();
      const victim = alive[random.int(Math.max(1, alive.length))];
      if (victim === undefined) return;
      process.kill(victim, "SIGKILL");
      kills++;
    });
    clearInterval(stalling);
    const endedMs = performance.now();
    while (!(pipeline.health().state === "ready" && pipeline.health().queued === 0) && performance.now() - endedMs < GIVE_UP_MS) await pause(20);
    // A worker that was stopped may wake up only now, and serve for a moment what another has taken over. What counts is what is there when
    // all have settled, and how long that took.
    const wanted = [...objects].map(([object, at]) => ({ object, version: at }));
    let found = await asked.findAll(wanted);
    while (found.missing + found.wrong > 0 && performance.now() - endedMs < GIVE_UP_MS) {
      await pause(SETTLE_MS);
      found = await asked.findAll(wanted);
    }
    const recoveryMs = performance.now() - endedMs;
    const answered = asked.verdicts(texts);
    return {
      texts,
      changes: version,
      kills,
      lost: answered.missing + found.missing,
      duplicates: answered.twice + found.wrong,
      recoveryMs,
      health: pipeline.health(),
    };
  } finally {
    await pipeline.close();
  }
}

/** Stops a worker, which then wakes up believing that it still serves what another has taken over. */
function stall(pid: number | undefined): void {
  if (pid === undefined) return;
  signal(pid, "SIGSTOP");
  setTimeout(() => signal(pid, "SIGCONT"), STALL_MS);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It was killed meanwhile.
  }
}

const SETTLE_MS = 250;
const sceneOf = (number: number): string => `kills-${number % SCENES}`;
const wordOf = (object: number): string => `zq${object.toString(36)}x`;
export const labelOf = (object: number, version: number): string => `${wordOf(object)} v${version}`;
const thing = (object: number, version: number) =>
  ({
    kind: "object",
    object: `o${object}`,
    version,
    type: "prop",
    label: labelOf(object, version),
    text: "",
    position: [object % 40, 1, 0],
    sizeM: 1,
    color: "",
  }) as const;

/** Every answer that comes, and questions of its own. */
export class Answered {
  private readonly pipeline: Pick<Pipeline, "offer" | "onAnswer">;
  private readonly counts = new Map<number, number>();
  private readonly waiting = new Map<number, (hits: readonly { readonly object: string; readonly label: string }[]) => void>();
  private refs = 0;

  constructor(pipeline: Pick<Pipeline, "offer" | "onAnswer">) {
    this.pipeline = pipeline;
    for (let scene = 0; scene < SCENES; scene++) {
      pipeline.onAnswer(sceneOf(scene), (answer) => {
        if (answer.kind === "searched") this.waiting.get(answer.ref)?.(answer.hits);
        else if (answer.kind === "verdict" && answer.subject.kind === "chat")
          this.counts.set(answer.subject.id, (this.counts.get(answer.subject.id) ?? 0) + 1);
      });
    }
  }

  verdicts(texts: number): { readonly missing: number; readonly twice: number } {
    let [missing, twice] = [0, 0];
    for (let id = 0; id < texts; id++) {
      const count = this.counts.get(id) ?? 0;
      if (count === 0) missing++;
      else twice += count - 1;
    }
    return { missing, twice };
  }

  async findAll(
    objects: readonly { readonly object: number; readonly version: number }[],
  ): Promise<{ readonly missing: number; readonly wrong: number }> {
    let [missing, wrong] = [0, 0];
    for (let at = 0; at < objects.length; at += ASK_AT_ONCE) {
      await Promise.all(
        objects.slice(at, at + ASK_AT_ONCE).map(async ({ object, version }) => {
          const hits = await this.ask(object);
          const mine = hits.filter(({ object: id, label }) => id === `o${object}` || label.startsWith(`${wordOf(object)} `));
          const right = mine.filter(({ label }) => version > 0 && label === labelOf(object, version)).length;
          if (version > 0 && right === 0) missing++;
          wrong += mine.length - Math.min(1, right);
        }),
      );
    }
    return { missing, wrong };
  }

  private ask(object: number): Promise<readonly { readonly object: string; readonly label: string }[]> {
    const ref = ++this.refs;
    return new Promise((resolve) => {
      this.waiting.set(ref, (hits) => {
        this.waiting.delete(ref);
        resolve(hits);
      });
      const session = `s${ref % ASK_AT_ONCE}` as never;
      this.pipeline.offer(sceneOf(object), { kind: "search", session, ref, text: wordOf(object), limit: 64, withinM: 0, types: [], from: null });
    });
  }
}
