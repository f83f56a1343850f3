/** Entry point of a worker process behind Redis for the contract suite. */
import { serveRedis } from "../redis/serve.ts";
import { loadPoisonable } from "./poison.ts";

serveRedis(loadPoisonable);
