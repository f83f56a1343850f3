export { PosePlane, type Explanation } from "./pose-plane.ts";
export { Tier } from "./viewer-links.ts";
