export * from "./define-scene.ts";
export * from "./fields.ts";
export * from "./layout.ts";
export * from "./types.ts";
export * from "./values.ts";
