/**
 * One person moves, another watches, the room is between: the SDK's way of sampling and pacing, the room's ticks, the wire's lattice, two
 * links, two estimated clocks, and frames. Everything in true time, which is the room's clock; nobody else knows it.
 *
 * [SI1] All viewers of a run get exactly the same samples at the same times.
 * [SI2] Same seed, same run.
 */
import { decodeUplinkBody, DEVICE_COUNT, encodeUplinkBody, newPoseSample, type PoseSample, RoomTime } from "@copresence/shared/pose";
import { ClockSync } from "@copresence/shared/time";
import type { Random } from "@copresence/simulations/people";
import { EventQueue } from "@copresence/simulations/world";
import type { Lane } from "./lanes.ts";
import type { Lanes, Network } from "./networks.ts";
import { type Motion, Truth } from "./motion.ts";
import type { Viewer } from "./peers.ts";

export type Rates = { readonly tickRateHz: number; readonly uplinkHz: number; readonly displayHz: number };
export type Run = {
  readonly motion: Motion;
  readonly network: Network;
  readonly rates: Rates;
  readonly random: Random;
  /** Where a recorded network begins. */
  readonly startMs: number;
  readonly viewers: readonly Viewer[];
  /** Every sample as it arrives: true time, the viewer's estimate of it, the sample. */
  readonly onArrival?: (nowMs: number, arrivalMs: number, sample: PoseSample) => void;
  /** Every displayed frame once everybody shows something: true time, the truth then, one pose per viewer (all reused). */
  readonly onFrame: (nowMs: number, truth: Float64Array, shown: readonly Float64Array[]) => void;
};

/** The motion starts once both clocks are synchronised. */
export const JOIN_MS = 1500;
/** Samples a message takes, and how early a frame may send it: client-sdk/src/core/uplink.ts. */
const UPLINK_SAMPLES = 3;
const EARLY_PART = 0.25;
/** What the room does not take: server's PoseGuard. */
const OLDEST_MS = 1000;
const NEWEST_MS = 100;
/** A room of a dozen: what the watcher is sent per tick. */
const FRAME_BYTES = 150;
const UPLINK_BYTES = 90;
const PING_BYTES = 20;
/** Quartz: parts per million by which the two clients' clocks run fast. */
const DRIFT_PPM = { mover: 20, watcher: -30 };

export function simulate(run: Run): void {
  const queue = new EventQueue();
  const lanes = run.network.lanes({ random: run.random, startMs: run.startMs, intervalMs: 1000 / run.rates.tickRateHz });
  const mover = new ClientClock(queue, { up: lanes.moverUp, down: lanes.moverDown }, run.random.between(1e4, 1e6), DRIFT_PPM.mover);
  const watcher = new ClientClock(queue, { up: lanes.watcherUp, down: lanes.watcherDown }, run.random.between(1e4, 1e6), DRIFT_PPM.watcher);
  const phaseMs = run.random.between(0, 1000 / run.rates.displayHz);
  const endMs = JOIN_MS + (run.motion.timesMs[run.motion.count - 1] as number);
  const room = new Room(queue, run, lanes, watcher);
  const body = new Mover(queue, run, lanes.moverUp, mover, (sample) => room.take(sample));
  queue.at(JOIN_MS, () => body.measure());
  mover.beat();
  watcher.beat();
  room.tick(1);
  display(queue, run, watcher, phaseMs);
  queue.runUntil(endMs);
}

/** A client's clock, wrong by an unknown offset and drift, and its pings. */
export class ClientClock {
  readonly sync = new ClockSync();
  private readonly queue: EventQueue;
  private readonly lanes: { readonly up: Lane; readonly down: Lane };
  private readonly offsetMs: number;
  private readonly rate: number;

  constructor(queue: EventQueue, lanes: { readonly up: Lane; readonly down: Lane }, offsetMs: number, driftPpm: number) {
    this.queue = queue;
    this.lanes = lanes;
    this.offsetMs = offsetMs;
    this.rate = 1 + driftPpm * 1e-6;
  }

  /** Room time as this client believes it. */
  get roomMs(): number {
    return this.sync.toServer(this.localMs);
  }

  get localMs(): number {
    return this.queue.nowMs * this.rate + this.offsetMs;
  }

  /** Sends a ping, and the next ones when the clock wants them. */
  beat(): void {
    const { queue, lanes } = this;
    const sentMs = this.localMs;
    const there = lanes.up.send(queue.nowMs, PING_BYTES);
    if (there !== undefined) queue.at(there, () => this.answer(sentMs));
    queue.at(queue.nowMs + this.sync.nextPingMs(), () => this.beat());
  }

  private answer(sentMs: number): void {
    const serverMs = this.queue.nowMs;
    const back = this.lanes.down.send(serverMs, PING_BYTES);
    if (back !== undefined) this.queue.at(back, () => this.sync.onPong(sentMs, this.localMs, serverMs));
  }
}

/** The person who moves: a sample per row of the recording, messages as the SDK paces them. */
class Mover {
  private readonly queue: EventQueue;
  private readonly run: Run;
  private readonly lane: Lane;
  private readonly clock: ClientClock;
  private readonly deliver: (sample: PoseSample) => void;
  private readonly intervalMs: number;
  private row = 0;
  private dueMs = Number.NEGATIVE_INFINITY;
  private waiting: PoseSample[] = [];

  constructor(queue: EventQueue, run: Run, lane: Lane, clock: ClientClock, deliver: (sample: PoseSample) => void) {
    this.queue = queue;
    this.run = run;
    this.lane = lane;
    this.clock = clock;
    this.deliver = deliver;
    this.intervalMs = 1000 / run.rates.uplinkHz;
  }

  /** Takes the next row when it was recorded, and so on. */
  measure(): void {
    const { motion } = this.run;
    const sample = newPoseSample();
    sample.pose.set(motion.poses.subarray(this.row * sample.pose.length, (this.row + 1) * sample.pose.length));
    sample.timeMs = this.clock.roomMs;
    if (this.clock.sync.ready) this.waiting.push(sample);
    this.pump();
    this.row++;
    if (this.row < motion.count) this.queue.at(JOIN_MS + (motion.timesMs[this.row] as number), () => this.measure());
  }

  /** client-sdk/src/core/uplink.ts, [UL1]. */
  private pump(): void {
    const nowMs = this.clock.localMs;
    if (this.waiting.length === 0 || nowMs < this.dueMs - this.intervalMs * EARLY_PART) return;
    this.dueMs = nowMs - this.dueMs > this.intervalMs ? nowMs + this.intervalMs : this.dueMs + this.intervalMs;
    const count = Math.min(this.waiting.length, UPLINK_SAMPLES);
    const picked = Array.from({ length: count }, (_, i) => this.waiting[Math.ceil(((i + 1) * this.waiting.length) / count) - 1] as PoseSample);
    this.waiting = [];
    const body = encodeUplinkBody(picked);
    const arrivalMs = this.lane.send(this.queue.nowMs, UPLINK_BYTES);
    if (arrivalMs === undefined) return;
    this.queue.at(arrivalMs, () => {
      const samples = Array.from({ length: UPLINK_SAMPLES }, newPoseSample);
      const read = decodeUplinkBody(body, samples);
      for (const sample of samples.slice(0, read)) this.deliver(sample);
    });
  }
}

/** The room: the newest sample leaves with the next tick, its time rounded to the wire's units. */
class Room {
  private readonly queue: EventQueue;
  private readonly run: Run;
  private readonly lane: Lane;
  private readonly watcher: ClientClock;
  private readonly time: RoomTime;
  private newest: PoseSample | undefined;
  private lastMs = Number.NEGATIVE_INFINITY;

  constructor(queue: EventQueue, run: Run, lanes: Lanes, watcher: ClientClock) {
    this.queue = queue;
    this.run = run;
    this.lane = lanes.watcherDown;
    this.watcher = watcher;
    this.time = new RoomTime(run.rates.tickRateHz);
  }

  take(sample: PoseSample): void {
    const lateMs = this.queue.nowMs - sample.timeMs;
    if (sample.timeMs <= this.lastMs || lateMs > OLDEST_MS || lateMs < -NEWEST_MS) return;
    this.lastMs = sample.timeMs;
    this.newest = sample;
  }

  tick(n: number): void {
    const { queue, newest, time } = this;
    queue.at((n * 1000) / this.run.rates.tickRateHz, () => this.tick(n + 1));
    if (newest === undefined) return;
    this.newest = undefined;
    newest.timeMs = time.toMs(time.units(n - 1, time.lag(n - 1, newest.timeMs)));
    const arrivalMs = this.lane.send(queue.nowMs, FRAME_BYTES);
    if (arrivalMs !== undefined) queue.at(arrivalMs, () => this.arrive(newest));
  }

  private arrive(sample: PoseSample): void {
    const arrivalMs = this.watcher.sync.ready ? this.watcher.roomMs : sample.timeMs;
    this.run.onArrival?.(this.queue.nowMs, arrivalMs, sample);
    for (const viewer of this.run.viewers) viewer.push(sample, arrivalMs);
  }
}

function display(queue: EventQueue, run: Run, clock: ClientClock, phaseMs: number): void {
  const truth = new Truth(run.motion);
  const trueNow = newPoseSample().pose;
  const shown = run.viewers.map(() => newPoseSample().pose);
  const frame = (n: number): void => {
    queue.at(phaseMs + ((n + 1) * 1000) / run.rates.displayHz, () => frame(n + 1));
    if (!clock.sync.ready) return;
    truth.at(queue.nowMs - JOIN_MS, trueNow);
    const roomMs = clock.roomMs;
    let all = true;
    for (let i = 0; i < shown.length; i++) all = (run.viewers[i] as Viewer).sample(roomMs, shown[i] as Float64Array) && all;
    if (all) run.onFrame(queue.nowMs, trueNow, shown);
  };
  frame(0);
}

/** `DEVICE_COUNT` states, for viewers that write them. */
export const newStates = (): Uint8Array => new Uint8Array(DEVICE_COUNT);
