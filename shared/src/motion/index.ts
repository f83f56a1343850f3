export * from "./frames.ts";
export * from "./pose-guard.ts";
export * from "./rig-authority.ts";
export * from "./rig-predictor.ts";
export * from "./rig.ts";
export * from "./step.ts";
export { cosYaw, sinYaw, YAW_ONE, YAW_TURN } from "./yaw-table.ts";
export { handsPlausible, REACH_MM } from "./hand-guard.ts";
