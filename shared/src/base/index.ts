export * from "./bytes.ts";
export * from "./ids.ts";
export * from "./result.ts";
export * from "./vector.ts";
