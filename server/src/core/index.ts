export * from "./types.ts";
export type { ModerationOptions } from "./chat-desk.ts";
export { NO_SLOT, REACH_M } from "./grab-judge.ts";
export { SEARCH_WAIT_MS } from "./search-desk.ts";
export { rigBoundsMm, spawnRig } from "./spawn.ts";
export { MAX_CATCH_UP, SceneCore } from "./scene-core.ts";
export type { CoreStats, PersonExplanation, SceneCoreError, SceneCoreOptions } from "./scene-core-options.ts";
export type { InitialObject } from "./initial-objects.ts";
export { PosePlane } from "./pose-plane/index.ts";
