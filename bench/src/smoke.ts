/**
 * `npm run bench -- smoke`: what one room costs, end to end, over loopback: server CPU per tick and bytes per viewer with 50 and 200
 * synthetic people, on both transports. The people are real SDK clients in this process (they do not decode what they receive: they are
 * the load, not the thing measured); the server is a process of its own.
 *
 * Figures per transport and count: CPU of the whole server process per tick, p-quantiles are not claimed here; bytes that a viewer
 * receives a second, session and pose planes together.
 */
import { fileURLToPath } from "node:url";
import { trixieLoader, uwsLoadsHere } from "@copresence/server/trixie-loader";
import { Crowd } from "@copresence/simulations/bots";
import type { Figure } from "./report.ts";
import { type ServerProcess, startServerProcess } from "@copresence/simulations/server-process";

const SCENE = fileURLToPath(new URL("../../examples/src/workshop.ts", import.meta.url));
const CACHE = fileURLToPath(new URL("../../.cache", import.meta.url));
const WARM_MS = 3000;

export type SmokeSettings = { readonly counts: readonly number[]; readonly measureMs: number; readonly tickRateHz: number };
export const SMOKE: SmokeSettings = { counts: [50, 200], measureMs: 8000, tickRateHz: 30 };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function smoke(settings: SmokeSettings, progress: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  const uwsPrefix = (await uwsLoadsHere()) ? undefined : await trixieLoader(CACHE);
  for (const transport of ["ws", "uws"] as const) {
    for (const count of settings.counts) {
      progress(`${transport}, ${count} people`);
      const server = await startServerProcess(
        {
          COPRESENCE_TRANSPORT: transport,
          COPRESENCE_SCENE: SCENE,
          COPRESENCE_SPACES: "bench",
          COPRESENCE_DEV_TICKETS: "1",
          COPRESENCE_STORE: "memory",
          COPRESENCE_TICK_RATE: String(settings.tickRateHz),
        },
        transport === "uws" ? uwsPrefix : undefined,
      );
      try {
        figures.push(...(await measure(server, count, settings)).map((figure) => ({ ...figure, id: `smoke.${transport}.${count}.${figure.id}` })));
      } finally {
        await server.stop();
      }
    }
  }
  return figures;
}

async function measure(server: ServerProcess, count: number, settings: SmokeSettings): Promise<Figure[]> {
  const crowd = await Crowd.join({
    url: server.url,
    space: "bench",
    count,
    seed: 1,
    rateHz: settings.tickRateHz,
    handles: false,
    talks: false,
    looks: false,
  });
  if (!crowd.ok) throw new Error(crowd.error.sentence);
  await pause(WARM_MS);
  const before = await sample(server);
  await pause(settings.measureMs);
  const after = await sample(server);
  await crowd.value.leave();
  const seconds = (after.atMs - before.atMs) / 1000;
  const ticks = after.ticks - before.ticks;
  return [
    { id: "cpu_ms_per_tick", value: ((after.cpuS - before.cpuS) * 1000) / ticks, unit: "ms" },
    { id: "tick_ms_mean", value: (after.tickMs - before.tickMs) / ticks, unit: "ms" },
    { id: "tick_rate", value: ticks / seconds, unit: "Hz" },
    { id: "bytes_per_viewer", value: (after.bytesOut - before.bytesOut) / count / seconds, unit: "B/s" },
    { id: "bytes_from_viewer", value: (after.bytesIn - before.bytesIn) / count / seconds, unit: "B/s" },
    { id: "frames_skipped", value: after.skipped - before.skipped, unit: "frames" },
  ];
}

async function sample(server: ServerProcess) {
  return {
    atMs: performance.now(),
    cpuS: await server.metric("copresence_process_cpu_seconds_total"),
    ticks: await server.metric("copresence_tick_milliseconds_count"),
    tickMs: await server.metric("copresence_tick_milliseconds_sum"),
    bytesOut: await server.metric("copresence_traffic", 'what="bytesOut"'),
    bytesIn: await server.metric("copresence_traffic", 'what="bytesIn"'),
    skipped: await server.metric("copresence_traffic", 'what="framesSkipped"'),
  };
}
