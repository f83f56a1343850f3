/** The consumers as a worker runs them: models loaded, tested and warm. Import this in a worker only: it loads native code. */
import { Consumers } from "./consumers.ts";
import { testRuntime } from "./runtime/self-test.ts";
import type { Load } from "./worker-body.ts";

export const loadConsumers: Load = async () => {
  const runtime = await testRuntime();
  return { runtime, consumers: new Consumers({ degraded: false }) };
};
