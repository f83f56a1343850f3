/**
 * The links of the bench: the published profiles, and the recorded series in `../shared/data/network` (its README.md says where from).
 *
 * A network yields four lanes: the mover's up and down, the watcher's up and down. Both people sit behind such a link; the room is between.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Random } from "@copresence/simulations/people";
import { DatagramLane, gamma, type Lane, QueueLane, SharedLane, StreamLane, type Weather } from "./lanes.ts";

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

/** Reads every known recording in `folder`; those that are not there are left out. */
export function recordedNetworks(folder: string): Network[] {
  const read = (file: string): string => gunzipSync(readFileSync(join(folder, file))).toString("latin1");
  return RECORDINGS.filter(({ files }) => files.every((file) => existsSync(join(folder, file)))).map(({ files, make }) => make(files.map(read)));
}

type Recording = { readonly files: readonly string[]; readonly make: (texts: readonly string[]) => Network };
const RECORDINGS: readonly Recording[] = [
  { files: ["mahimahi_ATT-LTE-driving-2016.up.gz", "mahimahi_ATT-LTE-driving-2016.down.gz"], make: (texts) => mahimahi("att-lte-driving", texts) },
  { files: ["mahimahi_Verizon-LTE-short.up.gz", "mahimahi_Verizon-LTE-short.down.gz"], make: (texts) => mahimahi("verizon-lte", texts) },
  { files: ["delay_starlink_leocc_10ms.csv.gz"], make: ([text = ""]) => series("starlink", column(text, 1), 10) },
  { files: ["ping_5g_lte_ireland.csv.gz"], make: ([text = ""]) => pings("ireland-5g", text) },
  { files: ["latency_visionpro_wired-mono.csv.gz"], make: ([text = ""]) => series("visionpro-wired", halves(column(text, 2)), VIDEO_FRAME_MS) },
  { files: ["latency_visionpro_wireless-mono.csv.gz"], make: ([text = ""]) => series("visionpro-wireless", halves(column(text, 2)), VIDEO_FRAME_MS) },
  { files: ["traffic_questset_sample.csv.gz"], make: ([text = ""]) => questset("questset", text) },
];

/** The recorded frame round trips carry no times: one per frame of a 60 Hz video. */
const VIDEO_FRAME_MS = 1000 / 60;
/** Path behind a recorded cellular queue, one way: mahimahi's traces say nothing of it. */
const CELLULAR_PATH_MS = 20;
const LAN_PATH_MS = 3;
/** Shared Wi-Fi carries its recorded load at this utilisation. */
const UTILISATION = 0.8;
/** Each row of pings stands for this long. */
const PING_ROW_MS = 2000;
/** More of a row's pings lost than this is an outage of the probe, not of the link. */
const LOSS_MAX = 0.2;

const cells = (text: string): string[][] =>
  text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
const column = (text: string, index: number): Float64Array => Float64Array.from(cells(text), (row) => Number(row[index]));
const halves = (values: Float64Array): Float64Array => values.map((value) => value / 2);

function mahimahi(id: string, [up = "", down = ""]: readonly string[]): Network {
  const times = [up, down].map((text) => Float64Array.from(text.trim().split("\n"), Number));
  const [ups, downs] = times as [Float64Array, Float64Array];
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
function series(id: string, delaysMs: Float64Array, stepMs: number): Network {
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

function pings(id: string, text: string): Network {
  const rows = cells(text)
    .map((row) => ({ avg: Number(row[8]), min: Number(row[9]), sd: Number(row[11]), loss: Math.min(LOSS_MAX, Number(row[12]) / 100) }))
    .filter(({ avg, min, sd, loss }) => avg > 0 && min > 0 && avg >= min && Number.isFinite(sd + loss));
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
function questset(id: string, text: string): Network {
  const packets = cells(text)
    .map(([time, size, direction]) => ({ atMs: Number(time) * 1000, bytes: Number(size), up: direction === "UL" }))
    .filter(({ atMs, bytes }) => Number.isFinite(atMs + bytes))
    .sort((a, b) => a.atMs - b.atMs);
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
