export { SceneDocument } from "./scene-document.ts";
export { RETIRED_NOTE, RetiredClients } from "./retired-clients.ts";
