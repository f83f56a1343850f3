/**
 * The room over real sockets, the raw limit beside it, and how many users the peers serve with the CPU that the room takes.
 *
 * [SF1] Ours and the raw limit take turns, `rounds` times; of each the round with the least CPU per frame counts, as both are disturbed by
 *       whatever else the machine does.
 * [SF2] A peer's users at our CPU are interpolated between the two counts around it (users grow, as a power of the CPU, between them).
 * [SF3] CPU is what the whole rate would take: on a machine that is too busy to serve it, CPU is scaled up from what was served.
 */
import type { Figure } from "../report.ts";
import { pause } from "./child.ts";
import type { Kind } from "./driver.ts";
import { atLeast } from "./figures.ts";
import { Load, type Window } from "./load.ts";

export type SocketScale = {
  readonly people: number;
  readonly tickRateHz: number;
  readonly rounds: number;
  readonly warmMs: number;
  readonly measureMs: number;
  readonly transport: "ws" | "uws";
  /** Users of the peers: the first count, and the factor to the next until they need more CPU than ours. */
  readonly peerFrom: number;
  readonly peerGrowth: number;
  readonly peerMost: number;
  readonly peerMeasureMs: number;
  /** What a Colyseus view holds, in the run where it does not hold everybody. */
  readonly viewPeople: number;
  readonly jsonHz: number;
};

type Context = { readonly seed: number; readonly traces: string | undefined; readonly progress: (line: string) => void };

/** Frames may be fewer by this part: the driver's clock and the server's differ by a tick at either end. */
const FULL_RATE = 0.97;
const RAW_BAR = 0.6;
const COLYSEUS_BAR = 5;
const JSON_BAR = 8;
const SETTLE_MS = 500;

export async function socketFigures(scale: SocketScale, context: Context): Promise<Figure[]> {
  const { people, tickRateHz, rounds } = scale;
  const ours: Window[] = [];
  const raw: Window[] = [];
  for (let round = 1; round <= rounds; round++) {
    context.progress(`sockets, ${people} people at ${tickRateHz} Hz, round ${round} of ${rounds}: ours, then the raw limit`);
    ours.push(await window("ours", scale, context, {}));
    raw.push(await window("raw", scale, context, { frameBytes: Math.round(bytesPerFrame(ours.at(-1) as Window)) }));
  }
  const best = cheapest(ours);
  const limit = cheapest(raw);
  const hz = Math.max(...ours.map(({ leastHz }) => leastHz));
  const name = `${people}x${tickRateHz}`;
  const cpu = (usPerFrame(best) * people * tickRateHz) / 1e6;
  const figures: Figure[] = [
    atLeast({ id: `room.sockets_${name}`, value: hz, unit: "Hz (viewer with the fewest frames)", bar: tickRateHz * FULL_RATE }),
    { id: `room.sockets_${name}_cpu`, value: cpu, unit: "of a core" },
    { id: `room.sockets_${name}_us_per_frame`, value: usPerFrame(best), unit: "us of CPU per viewer and tick" },
    { id: `room.sockets_${name}_age_ms_p50`, value: best.ageP50Ms, unit: "ms since the tick, on arrival" },
    { id: `room.sockets_${name}_age_ms_p99`, value: best.ageP99Ms, unit: "ms since the tick, on arrival" },
    { id: `room.sockets_${name}_bytes_per_frame`, value: bytesPerFrame(best), unit: "B" },
    { id: "room.raw_us_per_frame", value: usPerFrame(limit), unit: "us of CPU per viewer and tick" },
    atLeast({
      id: "room.of_raw_limit",
      value: usPerFrame(limit) / usPerFrame(best),
      unit: "of the viewers x Hz",
      bar: RAW_BAR,
      peer: "the same bytes, one memcpy and one send",
    }),
  ];
  figures.push(...(await peers(scale, context, cpu)));
  return figures;
}

async function peers(scale: SocketScale, context: Context, cpu: number): Promise<Figure[]> {
  const { people, viewPeople, jsonHz } = scale;
  const everybody = await usersAt("colyseus", { ...scale, viewPeople: scale.peerMost }, context, cpu);
  // A view of as many as there are is the same run again.
  const nearest = viewPeople >= scale.peerMost ? everybody : await usersAt("colyseus", scale, context, cpu);
  const json = await usersAt("json", scale, context, cpu);
  const peer = "Colyseus 0.18 with a StateView per client";
  return [
    { id: "room.colyseus_views_users", value: everybody, unit: "users at the same CPU", peer: `${peer} of everybody` },
    atLeast({ id: "room.vs_colyseus_views", value: people / everybody, unit: "x users", bar: COLYSEUS_BAR, peer: `${peer} of everybody` }),
    { id: `room.colyseus_views_${viewPeople}_users`, value: nearest, unit: "users at the same CPU", peer: `${peer} of the nearest ${viewPeople}` },
    { id: `room.vs_colyseus_views_${viewPeople}`, value: people / nearest, unit: "x users", peer: `${peer} of the nearest ${viewPeople}` },
    { id: "room.json_relay_users", value: json, unit: "users at the same CPU", peer: `a JSON relay at ${jsonHz} Hz` },
    atLeast({ id: "room.vs_json_relay", value: people / json, unit: "x users", bar: JSON_BAR, peer: `a JSON relay at ${jsonHz} Hz` }),
  ];
}

/** One server and its clients, from start to end. */
async function window(kind: Kind, scale: SocketScale, context: Context, options: Readonly<Record<string, unknown>>): Promise<Window> {
  const { people, tickRateHz, transport, warmMs, measureMs } = scale;
  const load = await Load.start(kind, { tickRateHz, transport, ...options });
  try {
    await load.connect({ count: people, uplinkHz: tickRateHz, tickRateHz, seed: context.seed, traces: context.traces });
    await pause(warmMs);
    return await load.measure(measureMs);
  } finally {
    await load.stop();
  }
}

/** Users of a peer that take as much CPU as we do. */
async function usersAt(kind: "colyseus" | "json", scale: SocketScale, context: Context, cpu: number): Promise<number> {
  const { tickRateHz, viewPeople, jsonHz, peerFrom, peerGrowth, peerMost, peerMeasureMs } = scale;
  const load = await Load.start(kind, { tickRateHz, viewPeople });
  let before = { users: 0, cpu: 0 };
  try {
    for (let users = peerFrom; ; users = Math.min(peerMost, Math.ceil(users * peerGrowth))) {
      const uplinkHz = kind === "json" ? jsonHz : tickRateHz;
      await load.connect({ count: users - before.users, uplinkHz, tickRateHz, seed: context.seed, traces: context.traces });
      await pause(SETTLE_MS);
      const measured = await load.measure(peerMeasureMs);
      const wanted = kind === "json" ? users * (users - 1) * jsonHz : users * tickRateHz;
      const now = { users, cpu: (usPerFrame(measured) * wanted) / 1e6 };
      context.progress(
        `${kind}${kind === "colyseus" ? `, views of ${viewPeople}` : ""}: ${users} users take ${(now.cpu * 100).toFixed(0)} % of a core`,
      );
      if (now.cpu >= cpu || users >= peerMost) return interpolate(before, now, cpu);
      before = now;
    }
  } finally {
    await load.stop();
  }
}

type Point = { readonly users: number; readonly cpu: number };
/** On the power law through both; beyond the larger only as far as that: a peer is never given more users than it was seen to serve. */
function interpolate(less: Point, more: Point, cpu: number): number {
  if (less.users === 0 || less.cpu <= 0 || more.cpu <= less.cpu || cpu >= more.cpu) return more.users * Math.min(1, cpu / more.cpu);
  const part = Math.log(cpu / less.cpu) / Math.log(more.cpu / less.cpu);
  return less.users * (more.users / less.users) ** part;
}

const usPerFrame = ({ cpuMs, messages }: Window): number => (cpuMs * 1000) / messages;
const bytesPerFrame = ({ bytes, messages }: Window): number => bytes / messages;
const cheapest = (windows: readonly Window[]): Window => windows.reduce((a, b) => (usPerFrame(b) < usPerFrame(a) ? b : a));
