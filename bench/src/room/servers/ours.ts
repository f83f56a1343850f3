/** The product's own server, as `npm start` runs it, with the hall as its scene. */
import { developmentConfig } from "@copresence/server/config";
import { type RunningServer, startServer } from "@copresence/server/main";
import { serve } from "../child.ts";
import { hall } from "../hall.ts";

let server: RunningServer | undefined;

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
    return server.url;
  },
  traffic: () => ({ ...server?.metrics.traffic }),
});
