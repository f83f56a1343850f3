/**
 * The links of the bench: its own profiles, and what network-files.ts reads from a folder.
 *
 * A network yields four lanes: the mover's up and down, the watcher's up and down. Both people sit behind such a link; the room is between.
 */
import type { Random } from "@copresence/simulations/people";
import { DatagramLane, gamma, type Lane, QueueLane, RateLane, SharedLane, StreamLane, type Weather } from "./lanes.ts";

export type Lanes = { readonly moverUp: Lane; readonly moverDown: Lane; readonly watcherUp: Lane; readonly watcherDown: Lane };
export type Network = {
  readonly id: string;
  readonly recorded: boolean;
  /** How long the recording is before it repeats; 0 for profiles. */
  readonly lengthMs: number;
  /** `startMs`: where in the recording this run begins. `intervalMs`: between two messages, which a stall of a stream is longer by. */
  lanes(options: { readonly random: Random; readonly startMs: number; readonly intervalMs: number }): Lanes;
};

const LEGS = ["moverUp", "moverDown", "watcherUp", "watcherDown"] as const;
type Leg = (typeof LEGS)[number];
const isUp = (leg: Leg): boolean => leg.endsWith("Up");
/** The watcher's link is the same recording somewhere else. */
const elsewhere = (leg: Leg, lengthMs: number): number => (leg.startsWith("watcher") ? lengthMs / 2 : 0);

function eachLeg(make: (leg: Leg) => Lane): Lanes {
  return { moverUp: make("moverUp"), moverDown: make("moverDown"), watcherUp: make("watcherUp"), watcherDown: make("watcherDown") };
}

/** One way, ms: mean delay, and its standard deviation (gamma); loss as 0..1. */
type Profile = { readonly delayMs: number; readonly jitterMs: number; readonly loss: number };
const FIBRE: Profile = { delayMs: 10, jitterMs: 2, loss: 0 };
const WIFI: Profile = { delayMs: 20, jitterMs: 6, loss: 0.002 };
const FOUR_G: Profile = { delayMs: 40, jitterMs: 15, loss: 0.01 };
const BAD: Profile = { delayMs: 60, jitterMs: 25, loss: 0.02 };
/** A loss stalls a stream by this many round trips and one interval. */
const STALL_RTTS = 1.25;

export const PROFILES: readonly Network[] = [
  profile("fibre", FIBRE, "tcp"),
  profile("wifi", WIFI, "tcp"),
  profile("4g-datagram", FOUR_G, "datagram"),
  profile("4g-tcp", FOUR_G, "tcp"),
  profile("bad-datagram", BAD, "datagram"),
  profile("bad-tcp", BAD, "tcp"),
];

function profile(id: string, { delayMs, jitterMs, loss }: Profile, kind: "tcp" | "datagram"): Network {
  return {
    id,
    recorded: false,
    lengthMs: 0,
    lanes: ({ random, intervalMs }) =>
      eachLeg((leg) => {
        const dice = random.fork(leg);
        const weather: Weather = { delayMs: () => gamma(dice, delayMs, jitterMs), loss: () => loss };
        if (kind === "datagram") return new DatagramLane({ random: dice, weather });
        return new StreamLane({ random: dice, weather, stallMs: () => STALL_RTTS * 2 * delayMs + intervalMs });
      }),
  };
}

/** One way and direction of a published profile. `kbps` undefined: no limit. */
export type Path = { readonly delayMs: number; readonly jitterMs: number; readonly kbps: number | undefined; readonly loss: number };

/** A published profile as an ordered stream. */
export function published(id: string, up: Path, down: Path): Network {
  const stallMs = STALL_RTTS * (up.delayMs + down.delayMs);
  return {
    id,
    recorded: true,
    lengthMs: 0,
    lanes: ({ random, intervalMs }) =>
      eachLeg((leg) => {
        const dice = random.fork(leg);
        const { delayMs, jitterMs, kbps, loss } = isUp(leg) ? up : down;
        const weather: Weather = { delayMs: () => gamma(dice, delayMs, jitterMs), loss: () => loss };
        return new RateLane({ random: dice, weather, stallMs: () => stallMs + intervalMs, kbps });
      }),
  };
}

/** The recorded frame round trips carry no times: one per frame of a 60 Hz video. */
export const VIDEO_FRAME_MS = 1000 / 60;
/** Path behind a recorded cellular queue, one way: mahimahi's traces say nothing of it. */
const CELLULAR_PATH_MS = 20;
const LAN_PATH_MS = 3;
/** Shared Wi-Fi carries its recorded load at this utilisation. */
const UTILISATION = 0.8;
/** Each row of pings stands for this long. */
const PING_ROW_MS = 2000;
/** More of a row's pings lost than this is an outage of the probe, not of the link. */
const LOSS_MAX = 0.2;

/** Delivery opportunities of 1 500 B as mahimahi records them, ms, rising. */
export function mahimahi(id: string, ups: Float64Array, downs: Float64Array): Network {
  const lengthMs = ups[ups.length - 1] as number;
  return {
    id,
    recorded: true,
    lengthMs,
    lanes: ({ startMs }) =>
      eachLeg(
        (leg) => new QueueLane({ opportunitiesMs: isUp(leg) ? ups : downs, delayMs: CELLULAR_PATH_MS, startMs: startMs + elsewhere(leg, lengthMs) }),
      ),
  };
}

/** A stream whose one-way delay is `delaysMs[i]` from i * stepMs on. */
export function series(id: string, delaysMs: Float64Array, stepMs: number): Network {
  const lengthMs = delaysMs.length * stepMs;
  return {
    id,
    recorded: true,
    lengthMs,
    lanes: ({ random, startMs }) =>
      eachLeg((leg) => {
        // The way down is not the way up: each leg is elsewhere in the series.
        const from = startMs + elsewhere(leg, lengthMs) + (isUp(leg) ? 0 : lengthMs / 4);
        const delayMs = (nowMs: number): number => delaysMs[Math.floor((nowMs + from) / stepMs) % delaysMs.length] as number;
        return new StreamLane({ random: random.fork(leg), weather: { delayMs, loss: () => 0 }, stallMs: () => 0 });
      }),
  };
}

/** Round trips of one row of pings, ms, and the part of them that was lost. */
export type Pings = { readonly avg: number; readonly min: number; readonly sd: number; readonly loss: number };

export function pings(id: string, measured: readonly Pings[]): Network {
  const rows = measured.map((row) => ({ ...row, loss: Math.min(LOSS_MAX, row.loss) }));
  const lengthMs = rows.length * PING_ROW_MS;
  return {
    id,
    recorded: true,
    lengthMs,
    lanes: ({ random, startMs, intervalMs }) =>
      eachLeg((leg) => {
        const dice = random.fork(leg);
        const from = startMs + elsewhere(leg, lengthMs);
        const row = (nowMs: number): (typeof rows)[number] => rows[Math.floor((nowMs + from) / PING_ROW_MS) % rows.length] as (typeof rows)[number];
        const weather: Weather = {
          delayMs: (nowMs) => row(nowMs).min / 2 + gamma(dice, (row(nowMs).avg - row(nowMs).min) / 2, row(nowMs).sd / 2),
          loss: (nowMs) => row(nowMs).loss / 2,
        };
        return new StreamLane({ random: dice, weather, stallMs: (nowMs) => STALL_RTTS * row(nowMs).avg + intervalMs });
      }),
  };
}

/** Poses share a wireless link with somebody's PC-VR video: recorded packets queue before them. */
export function loaded(id: string, measured: readonly { readonly atMs: number; readonly bytes: number }[]): Network {
  const packets = measured.toSorted((a, b) => a.atMs - b.atMs);
  const lengthMs = packets[packets.length - 1]?.atMs ?? 0;
  const bytesPerMs = packets.reduce((sum, { bytes }) => sum + bytes, 0) / lengthMs / UTILISATION;
  const atMs = Float64Array.from(packets, (packet) => packet.atMs);
  const busyUntilMs = new Float64Array(packets.length);
  for (let i = 0, free = 0; i < packets.length; i++) {
    free = Math.max(free, atMs[i] as number) + (packets[i]?.bytes ?? 0) / bytesPerMs;
    busyUntilMs[i] = free;
  }
  return {
    id,
    recorded: true,
    lengthMs,
    lanes: ({ startMs }) =>
      eachLeg((leg) => new SharedLane({ atMs, busyUntilMs, delayMs: LAN_PATH_MS, startMs: startMs + elsewhere(leg, lengthMs) })),
  };
}
