/** The product's own server, as `npm start` runs it, with the hall as its scene. */
import { developmentConfig } from "@copresence/server/config";
import { type RunningServer, startServer } from "@copresence/server/main";
import { epochMs, serve } from "../child.ts";
import { hall } from "../hall.ts";

let server: RunningServer | undefined;
const closed: { readonly reason: string; readonly atMs: number }[] = [];

serve({
  open: async ({ tickRateHz, transport }: { readonly tickRateHz: number; readonly transport: "ws" | "uws" }) => {
    const config = developmentConfig([{ spaces: "bench", scene: hall }], {
      port: 0,
      transport,
      tickRateHz,
      logLevel: "warn",
      pendingPerAddress: 1000,
    });
    server = await startServer(config);
    const { metrics } = server;
    const count = metrics.closed.bind(metrics);
    metrics.closed = (reason) => {
      closed.push({ reason, atMs: epochMs() });
      count(reason);
    };
    return server.url;
  },
  traffic: () => ({ ...server?.metrics.traffic }),
  /** Sessions that the server ended, since it started. */
  closed: () => closed,
});
