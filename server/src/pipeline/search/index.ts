export { Bm25 } from "./bm25.ts";
export { describeScene } from "./describe.ts";
export { loadSemantics } from "./load-semantics.ts";
export { type GoneEvent, MAX_OBJECTS, type ObjectEvent, SceneIndex, type SearchEvent } from "./scene-index.ts";
export { cosine, type Semantics } from "./semantics.ts";
export { termsOf, wordsOf } from "./words.ts";
