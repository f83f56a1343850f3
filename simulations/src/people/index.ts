export * from "../random.ts";
export * from "./statistics.ts";
export * from "./synthetic-person.ts";
export * from "./traces.ts";
