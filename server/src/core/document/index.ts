export { SceneDocument, type SceneDocumentOptions } from "./scene-document.ts";
export type { PeerKind } from "./doc-session.ts";
