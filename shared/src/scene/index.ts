export * from "./define-scene.ts";
export * from "./fields.ts";
export type * from "./history.ts";
export * from "./layout.ts";
export * from "./migrate.ts";
export * from "./permissions.ts";
export * from "./types.ts";
export * from "./update-bytes.ts";
export * from "./values.ts";
