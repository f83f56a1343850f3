/** Entry point of a worker of our own, thread or child process; started by host/. */
import { loadConsumers } from "./load-consumers.ts";
import { runWorker } from "./worker-body.ts";

await runWorker(loadConsumers);
