export { type GoneEvent, MAX_OBJECTS, type ObjectEvent, SceneIndex, type SearchEvent } from "./scene-index.ts";
