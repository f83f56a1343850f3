/** What a server that is configured from its environment turns on in a room: personal space, and the watch over behaviour. */
import { readFileSync } from "node:fs";
import { type BehaviourModel, readBehaviourModel } from "@copresence/server/behaviour";
import { DEFAULT_BOUNDARY_M } from "@copresence/server/config";
import type { SceneCoreOptions } from "@copresence/server/core";

const MODEL = new URL("../../../server/src/pipeline/models/behaviour/model.json", import.meta.url);

export function behaviourModel(): BehaviourModel {
  const read = readBehaviourModel(JSON.parse(readFileSync(MODEL, "utf8")));
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

export const asShipped = (): Partial<SceneCoreOptions> => ({ behaviour: behaviourModel(), takesReports: true, boundaryM: DEFAULT_BOUNDARY_M });
