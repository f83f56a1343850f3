/** The product's own server, as `npm start` runs it, with the hall as its scene. */
import { developmentConfig } from "@copresence/server/config";
import { type RunningServer, startServer } from "@copresence/server/main";
import { epochMs, serve } from "../child.ts";
import { hall } from "../hall.ts";

/** Of all rooms: what each tick took, and when it ended after it was due. */
export type Ticks = { readonly tookMs: number[]; readonly endMs: number[] };

let server: RunningServer | undefined;
let recording: Ticks | undefined;
const closed: { readonly reason: string; readonly atMs: number }[] = [];

serve({
  open: async ({ tickRateHz, transport }: { readonly tickRateHz: number; readonly transport: "ws" | "uws" }) => {
    const config = developmentConfig([{ spaces: "bench*", scene: hall }], {
      port: 0,
      transport,
      tickRateHz,
      logLevel: "warn",
      pendingPerAddress: 1000,
      // A room that the driver leaves at once is soon gone.
      roomLingerMs: 0,
    });
    server = await startServer(config);
    const { metrics } = server;
    const ticked = metrics.tick.bind(metrics);
    metrics.tick = (tookMs, lateMs) => {
      ticked(tookMs, lateMs);
      if (recording === undefined) return;
      recording.tookMs.push(tookMs);
      recording.endMs.push(tookMs + lateMs);
    };
    const count = metrics.closed.bind(metrics);
    metrics.closed = (reason) => {
      closed.push({ reason, atMs: epochMs() });
      count(reason);
    };
    return server.url;
  },
  record: () => {
    recording = { tookMs: [], endMs: [] };
  },
  /** Since `record`, which ends. */
  ticks: (): Ticks | undefined => {
    const ticks = recording;
    recording = undefined;
    return ticks;
  },
  traffic: () => ({ ...server?.metrics.traffic }),
  /** Sessions that the server ended, since it started. */
  closed: () => closed,
});
