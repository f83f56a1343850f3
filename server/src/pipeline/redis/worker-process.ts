/** Entry point of a worker process behind Redis; started by worker-pool.ts. */
import { loadConsumers } from "../load-consumers.ts";
import { serveRedis } from "./serve.ts";

serveRedis(loadConsumers);
