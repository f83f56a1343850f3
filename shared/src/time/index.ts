export * from "./clock-sync.ts";
export * from "./lateness.ts";
export * from "./playout.ts";
export { HandsPlayout } from "./hands-playout.ts";
export { StatePlayout } from "./state-playout.ts";
