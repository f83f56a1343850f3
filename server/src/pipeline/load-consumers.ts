/** The consumers as a worker runs them: models loaded, tested and warm. Import this in a worker only: it loads native code. */
import { Consumers } from "./consumers.ts";
import { testRuntime } from "./runtime/self-test.ts";
import { judgeWith, openModerator } from "./text/index.ts";
import type { Load } from "./worker-body.ts";

export const loadConsumers: Load = async () => {
  const runtime = await testRuntime();
  if (!runtime.ok) return { runtime, consumers: new Consumers({ degraded: false }) };
  const { moderator, fault } = await openModerator();
  // The lexicon judges texts then, and /readyz shows why.
  const sentence =
    fault === undefined ? `${runtime.sentence}, ${moderator.modelVersion}` : `${runtime.sentence}, no text model (${fault.code}: ${fault.message})`;
  return { runtime: { ok: fault === undefined, sentence }, consumers: new Consumers({ degraded: false, judge: judgeWith(moderator) }) };
};
