export * from "./types.ts";
export type { ModerationOptions } from "./chat-desk.ts";
export { NO_SLOT, REACH_M } from "./grab-judge.ts";
export { SEARCH_WAIT_MS } from "./search-desk.ts";
export { rigBoundsMm, spawnRig } from "./spawn.ts";
export { type CoreStats, MAX_CATCH_UP, SceneCore, type SceneCoreError, type SceneCoreOptions } from "./scene-core.ts";
export type { InitialObject } from "./initial-objects.ts";
