export type { Explanation } from "./explain.ts";
export { LatePlane } from "./late-plane.ts";
export { PosePlane } from "./pose-plane.ts";
export { ANY_NUMBER } from "./budgets.ts";
