/** Entry point of a worker of our own for the contract suite. */
import { runWorker } from "../worker-body.ts";
import { loadPoisonable } from "./poison.ts";

await runWorker(loadPoisonable);
