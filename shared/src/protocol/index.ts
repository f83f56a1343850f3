export * from "./close-codes.ts";
export * from "./codec.ts";
export * from "./limits.ts";
export * from "./plain-value.ts";
export * from "./pose-up.ts";
export * from "./registry.ts";
export * from "./versions.ts";
export type { Kind, Shape } from "./kinds.ts";
