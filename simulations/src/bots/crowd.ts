/**
 * A crowd of synthetic people in one process: joins them, moves them all on one clock, and takes them out again.
 *
 * [CR1] Joins are spread out (JOIN_SPACING_MS): a crowd is not an attack on the door.
 * [CR2] One loop against absolute deadlines steps everybody; a late process skips frames and does not catch up.
 */
import { connect, devTickets, type Space } from "@copresence/client/node";
import { err, ok, type Result } from "@copresence/shared/base";
import { loadTraces, STYLES, SyntheticPerson, type Trace, TracePerson } from "../people/index.ts";
import { Random } from "../random.ts";
import { Bot, type MotionSource } from "./bot.ts";

export type CrowdOptions = {
  readonly url: string;
  readonly space: string;
  readonly count: number;
  readonly seed: number;
  /** Folder of recordings to play instead of synthetic motion. */
  readonly traces?: string | undefined;
  /** Frames a second that each person renders and measures. */
  readonly rateHz: number;
  readonly handles: boolean;
  readonly talks: boolean;
  /** False: poses of others are not decoded, as for a load test whose people do not look. */
  readonly looks: boolean;
  readonly role?: string | undefined;
  readonly onProgress?: (joined: number, count: number) => void;
};

export type CrowdError = { readonly code: "traces" | "join"; readonly sentence: string };

const JOIN_SPACING_MS = 25;
const NAMES = "Ada Bo Cleo Dara Eli Fay Gus Hana Ivo Jun Kai Lena Milo Nia Otis Pia Quin Rosa Sam Tara Uma Vic Wren Xan Yara Zoe".split(" ");

export class Crowd {
  readonly bots: readonly Bot[];
  private timer: NodeJS.Timeout | undefined;
  private readonly periodMs: number;
  private readonly startedMs = performance.now();
  private frames = 0;

  private constructor(bots: readonly Bot[], rateHz: number) {
    this.bots = bots;
    this.periodMs = 1000 / rateHz;
    this.arm();
  }

  /** Everybody in, or nobody: on the first refusal those already in leave again. */
  static async join(options: CrowdOptions): Promise<Result<Crowd, CrowdError>> {
    const traces = options.traces === undefined ? ok([]) : loadTraces(options.traces);
    if (!traces.ok) return err({ code: "traces", sentence: traces.error.sentence });
    const random = new Random(options.seed);
    const joining: Promise<Bot>[] = [];
    let joined = 0;
    for (let i = 0; i < options.count; i++) {
      const bot = joinOne(options, i, random.fork(`bot ${i}`), traces.value).then((made) => {
        options.onProgress?.(++joined, options.count);
        return made;
      });
      // Handled below, all together; without this an early refusal would count as unhandled.
      bot.catch(() => undefined);
      joining.push(bot);
      await new Promise((resolve) => setTimeout(resolve, JOIN_SPACING_MS));
    }
    const settled = await Promise.allSettled(joining);
    const bots = settled.filter((each) => each.status === "fulfilled").map((each) => each.value);
    const failure = settled.find((each) => each.status === "rejected");
    if (failure === undefined) return ok(new Crowd(bots, options.rateHz));
    await Promise.all(bots.map((bot) => bot.space.leave()));
    return err({ code: "join", sentence: failure.reason instanceof Error ? failure.reason.message : String(failure.reason) });
  }

  async leave(): Promise<void> {
    clearTimeout(this.timer);
    await Promise.all(this.bots.map((bot) => bot.space.leave()));
  }

  private arm(): void {
    const nowMs = performance.now();
    this.frames = Math.max(this.frames + 1, Math.floor((nowMs - this.startedMs) / this.periodMs));
    const dueMs = this.startedMs + this.frames * this.periodMs;
    this.timer = setTimeout(
      () => {
        for (const bot of this.bots) bot.step(performance.now());
        this.arm();
      },
      Math.max(0, dueMs - nowMs),
    );
  }
}

async function joinOne(options: CrowdOptions, index: number, random: Random, traces: readonly Trace[]): Promise<Bot> {
  const name = `${NAMES[index % NAMES.length]}${index < NAMES.length ? "" : ` ${Math.floor(index / NAMES.length) + 1}`}`;
  const space: Space = await connect({
    url: options.url,
    space: options.space,
    ticket: devTickets(options.url, { space: options.space, name, role: options.role ?? "member" }),
    observe: options.looks,
    patienceMs: 30_000,
  });
  const style = STYLES[1 + (index % (STYLES.length - 1))] ?? "work";
  const person = new SyntheticPerson({ seed: random.u32(), style });
  const trace = traces[index % Math.max(1, traces.length)];
  const motion: MotionSource = trace === undefined ? person : new TracePerson({ trace, offsetMs: random.between(0, 60_000) });
  return new Bot({ space, random, motion, walker: trace === undefined ? person : undefined, handles: options.handles, talks: options.talks });
}
