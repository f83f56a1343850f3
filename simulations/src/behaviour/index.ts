export * from "./floods.ts";
export * from "./play.ts";
export { BENIGN, type BenignName } from "./scenes.ts";
