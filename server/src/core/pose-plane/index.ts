export { PosePlane } from "./pose-plane.ts";
