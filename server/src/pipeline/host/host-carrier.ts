/**
 * A carrier with one worker of our own: starts it, gives it one batch at a time, notices when it dies or hangs, and starts another.
 *
 * [WH1] Restarts back off (backoff.ts), so that a worker that dies at once is no storm of processes.
 * [WH2] A worker that does not finish a batch in `BATCH_MS` or does not start in `START_MS` is taken for hung and replaced.
 * [WH3] After `MAX_LEFT_BEHIND` workers that could not be ended no further one is started.
 * [WH4] What was in a batch when the worker died is suspect: it goes by itself next time, and is dead after `MAX_TRIES` (CA3).
 */
import { Backoff } from "../backoff.ts";
import { type Carrier, type CarrierEvents, type Envelope, MAX_TRIES, NO_ROOM, type Outcome, type Room } from "../carrier.ts";
import type { Handled } from "../consumers.ts";
import { epitaph, keyOf, versionOf } from "../event-key.ts";
import type { Timers } from "../timers.ts";
import type { Fault, FromWorker, ToWorker } from "../worker-messages.ts";
import type { Launcher, Vessel } from "./vessel.ts";

const BATCH_MS = 3000;
const START_MS = 15_000;
const CLOSE_MS = 500;
const MAX_LEFT_BEHIND = 3;
/** One batch: some milliseconds of the worker's time, a fraction of one of the room's to serialise. */
const BATCH: Room = { objects: 64, requests: 64 };
/** Suspects of the last batches; more than one batch is never in flight. */
const MAX_SUSPECTS = 1024;

export type HostOptions = {
  readonly launcher: Launcher;
  readonly entry: URL;
  readonly timers: Timers;
  /** When the first worker may start; default at once. */
  readonly startAt?: Promise<void> | undefined;
};
type Running = { readonly vessel: Vessel; readonly startedMs: number };

export class HostCarrier implements Carrier {
  readonly parts = 1;
  restarts = 0;
  private readonly options: HostOptions;
  private readonly events: CarrierEvents;
  private running: Running | undefined;
  private ready = false;
  private batch = 0;
  private inFlight: readonly Envelope[] | undefined;
  /** Suspects of the batch that was sent last, one by one after it. */
  private alone: Envelope[] = [];
  /** By subject and version: how often it was there when a worker died or it failed. */
  private readonly suspects = new Map<string, number>();
  private readonly backoff = new Backoff();
  private leftBehind = 0;
  private closed = false;
  private cancelWatch: (() => void) | undefined;
  private cancelRestart: (() => void) | undefined;

  constructor(options: HostOptions, events: CarrierEvents) {
    this.options = options;
    this.events = events;
    if (options.startAt === undefined) this.start();
    else void options.startAt.then(() => this.start());
  }

  partOf(): number {
    return 0;
  }
  room(): Room {
    return this.ready && this.inFlight === undefined && this.alone.length === 0 ? BATCH : NO_ROOM;
  }

  send(_part: number, items: readonly Envelope[]): void {
    const together: Envelope[] = [];
    for (const item of items) (this.suspects.has(suspectKey(item)) ? this.alone : together).push(item);
    if (together.length > 0) this.dispatch(together);
    else this.next();
  }

  /** A batch is finished or its worker replaced long before anybody gives it up. */
  abandon(): void {}

  forget(scene: string): void {
    if (this.ready) this.post({ kind: "forget", scene });
  }

  /** Fault injection, for simulations and tests: the worker dies, or hangs. */
  inject(fault: Fault): void {
    this.post({ kind: "fault", fault });
  }
  get pids(): readonly number[] {
    const pid = this.running?.vessel.pid;
    return pid === undefined ? [] : [pid];
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancelWatch?.();
    this.cancelRestart?.();
    const running = this.running;
    this.running = undefined;
    this.ready = false;
    await running?.vessel.leave(CLOSE_MS);
    await this.options.launcher.close();
  }

  private start(): void {
    this.cancelRestart = undefined;
    if (this.closed || this.running !== undefined) return;
    if (this.leftBehind >= MAX_LEFT_BEHIND) return this.events.onLog("too many workers hang in native code; staying without one");
    const { launcher, entry, timers } = this.options;
    const mine = (run: () => void): void => void (this.running?.vessel === vessel && run());
    const vessel: Vessel = launcher.launch(entry, {
      onMessage: (message) => mine(() => this.hear(message)),
      onGone: (sentence) => mine(() => this.down(sentence)),
    });
    this.running = { vessel, startedMs: timers.now() };
    this.watch(START_MS, "the worker did not start in time");
  }

  private dispatch(items: readonly Envelope[]): void {
    this.inFlight = items;
    this.post({ kind: "batch", id: ++this.batch, items: items.map(({ scene, event }) => ({ scene, event })) });
    this.watch(BATCH_MS, "the worker did not finish a batch in time");
  }

  /** The next suspect, by itself, and the burial of those that had their tries. */
  private next(): void {
    const dead: Outcome[] = [];
    for (let suspect = this.alone.shift(); suspect !== undefined; suspect = this.alone.shift()) {
      if ((this.suspects.get(suspectKey(suspect)) ?? 0) < MAX_TRIES) {
        this.dispatch([suspect]);
        break;
      }
      dead.push(deadOutcome(suspect, `brought ${MAX_TRIES} workers down`));
    }
    if (dead.length > 0) this.options.timers.after(0, () => this.events.onDone(0, dead));
  }

  private hear(message: FromWorker): void {
    if (message.kind === "ready") {
      this.ready = true;
      this.cancelWatch?.();
      this.events.onUp(0, message.runtime);
    } else if (message.id === this.batch && this.inFlight !== undefined) {
      this.done(this.inFlight, message.handled);
    }
  }

  private done(items: readonly Envelope[], handled: readonly Handled[]): void {
    this.inFlight = undefined;
    this.cancelWatch?.();
    const outcomes: Outcome[] = [];
    items.forEach((item, i) => {
      const { answer, failed } = handled[i] ?? { failed: "no outcome" };
      const { id, scene } = item;
      if (failed === undefined) {
        this.suspects.delete(suspectKey(item));
        return outcomes.push({ id, scene, answer });
      }
      if (this.suspect(item) >= MAX_TRIES) return outcomes.push(deadOutcome(item, `failed with ${failed}`));
      return this.alone.push(item);
    });
    this.next();
    this.events.onDone(0, outcomes);
  }

  private down(sentence: string): void {
    const running = this.running;
    if (running === undefined) return;
    for (const item of this.inFlight ?? []) this.suspect(item);
    this.running = undefined;
    this.ready = false;
    this.inFlight = undefined;
    this.alone = [];
    this.restarts++;
    this.cancelWatch?.();
    void this.end(running.vessel);
    this.events.onDown(0, sentence);
    const { timers } = this.options;
    this.cancelRestart = timers.after(this.backoff.next(timers.now() - running.startedMs), () => this.start());
  }

  private async end(vessel: Vessel): Promise<void> {
    if (await vessel.end()) return;
    this.leftBehind++;
    this.events.onLog("a worker hangs in native code and was left behind");
  }

  /** One more time that it was there when something went wrong. */
  private suspect(item: Envelope): number {
    const key = suspectKey(item);
    const tries = (this.suspects.get(key) ?? 0) + 1;
    this.suspects.delete(key);
    this.suspects.set(key, tries);
    const [oldest] = this.suspects.keys();
    if (this.suspects.size > MAX_SUSPECTS && oldest !== undefined) this.suspects.delete(oldest);
    return tries;
  }

  private watch(ms: number, sentence: string): void {
    this.cancelWatch?.();
    this.cancelWatch = this.options.timers.after(ms, () => this.down(sentence));
  }

  private post(message: ToWorker): void {
    this.running?.vessel.post(message);
  }
}

const suspectKey = ({ scene, event }: Envelope): string => `${keyOf(scene, event)}@${versionOf(event)}`;
const deadOutcome = ({ id, scene, event }: Envelope, why: string): Outcome => ({ id, scene, dead: epitaph(`${event.kind} ${why}`, scene, event) });
