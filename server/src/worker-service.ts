/**
 * `npm run worker` as a service: a pool of worker processes behind Redis, with /metrics, /readyz and /healthz of its own.
 *
 * [WS1] Ready is who serves a part or stands by: at least one worker is connected and has proved its models.
 * [WS2] No label names a person, a space or a session.
 */
import { createServer, type Server } from "node:http";
import { Counter, Gauge, Registry } from "prom-client";
import type { WorkerConfig } from "./config.ts";
import { openLog } from "./adapters/log.ts";
import type { WorkerStats } from "./pipeline/redis/serve.ts";
import { WorkerPool } from "./pipeline/redis/worker-pool.ts";

export type RunningWorkers = {
  /** Of its HTTP side, if it has one. */
  readonly port: number | undefined;
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
};

export async function startWorkers(config: WorkerConfig): Promise<RunningWorkers> {
  const { region, build, logLevel: level, redis, workers } = config;
  const log = openLog({ level, region, build });
  const pool = new WorkerPool({ ...redis, workers, onLog: (line) => log.info({ worker: line }, "worker") });
  try {
    const http = config.port === undefined ? undefined : await listen(httpOf(pool, region), config.port, config.host);
    const address = http?.address();
    return {
      port: typeof address === "object" ? address?.port : undefined,
      pids: () => pool.pids,
      stop: async () => {
        http?.close();
        await pool.stop();
      },
    };
  } catch (error) {
    await pool.stop();
    throw error;
  }
}

function httpOf(pool: WorkerPool, region: string): Server {
  const registry = registryOf(pool, region);
  return createServer((request, response) => {
    const answer = (status: number, type: string, body: string): void => void response.writeHead(status, { "content-type": type }).end(body);
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "text/plain", "Only GET is answered here.\n");
    switch (request.url) {
      case "/healthz":
        return answer(200, "application/json", JSON.stringify({ status: "ok" }));
      case "/readyz": {
        const workers = pool.stats.map(({ parts, up, runtime, rssMb }) => ({ parts, up, runtime, rssMb: Math.round(rssMb) }));
        const ready = workers.some(({ up }) => up);
        return answer(ready ? 200 : 503, "application/json", JSON.stringify({ ready, workers }));
      }
      case "/metrics":
        return void registry.metrics().then(
          (text) => answer(200, registry.contentType, text),
          () => answer(500, "text/plain", "The metrics could not be read.\n"),
        );
      default:
        return answer(404, "text/plain", "There is nothing at this path.\n");
    }
  });
}

function registryOf(pool: WorkerPool, region: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ region });
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name: `copresence_worker_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const sum = (read: (stats: WorkerStats) => number) => (): number => pool.stats.reduce((total, stats) => total + read(stats), 0);
  gauge(
    "up",
    "Workers that are connected to Redis.",
    sum(({ up }) => (up ? 1 : 0)),
  );
  gauge(
    "parts",
    "Parts of the scenes that are served here.",
    sum(({ parts }) => parts),
  );
  gauge(
    "objects",
    "Objects indexed.",
    sum(({ indexed }) => indexed),
  );
  gauge(
    "resident_megabytes",
    "Resident memory of the workers.",
    sum(({ rssMb }) => rssMb),
  );
  gauge("restarts", "Workers lost and replaced.", () => pool.restarts);
  const events = new Counter({
    name: "copresence_worker_events_total",
    help: "What became of events, since the workers that run now started.",
    labelNames: ["what"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { counts } of pool.stats) for (const [what, count] of Object.entries(counts)) this.inc({ what }, count);
    },
  });
  registry.registerMetric(events);
  return registry;
}

function listen(server: Server, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}
