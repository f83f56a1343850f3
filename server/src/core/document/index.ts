export { SceneDocument } from "./scene-document.ts";
