export * from "./clock-sync.ts";
export * from "./lateness.ts";
export * from "./playout.ts";
