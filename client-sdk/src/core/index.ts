export * from "./link.ts";
export * from "./session-events.ts";
export * from "./space-types.ts";
export { createSpace, startSpace, type SpaceOptions, type StartedSpace } from "./space.ts";
export { seededRandom, type Random } from "./random.ts";
export { conditioned } from "./link-conditioner.ts";
