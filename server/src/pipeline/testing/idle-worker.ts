/** A worker without models, which are most of a start: for tests of how workers are started and ended. */
import { Consumers } from "../consumers.ts";
import { runWorker } from "../worker-body.ts";

await runWorker(() => Promise.resolve({ consumers: new Consumers({ degraded: true }), runtime: { ok: true, sentence: "no runtime" } }));
