import { expect, it } from "vitest";
import { collectNow } from "../adapters/collector.ts";
import { coreOptions, CUP, storedCups, TICK_MS } from "./core-run.ts";
import { SceneCore } from "./scene-core.ts";

/** A core built on a snapshot that nobody else holds, after its first calm tick. */
function opened(): { readonly core: SceneCore; readonly snapshot: WeakRef<Uint8Array> } {
  const snapshot = storedCups({ "cup-1": CUP });
  const loaded = { epoch: 1, seq: 1, snapshot, updates: [], cutRecords: 0 };
  const result = SceneCore.open(coreOptions({ loaded, soon: () => undefined }));
  if (!result.ok) throw new Error(result.error.sentence);
  for (let tick = 1; tick <= 3; tick++) result.value.step([], tick * TICK_MS);
  return { core: result.value, snapshot: new WeakRef(snapshot) };
}

it("[SC5] keeps nothing of the bytes it was built from", async () => {
  const { core, snapshot } = opened();
  // A WeakRef's target lives at least as long as the job that made it.
  await new Promise((turn) => setImmediate(turn));
  collectNow();
  expect(snapshot.deref()).toBeUndefined();
  expect(core.stats.people).toBe(0);
});
