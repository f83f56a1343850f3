/**
 * A model in memory, and what can be wrong with one. Nothing here needs Node: the same code runs in browsers.
 *
 * [MB2] Trouble is a value with a code and one sentence; whoever holds the last good model keeps it.
 */
import type { ModelManifest } from "./manifest.ts";

/** `missing` no such file, `oversized` bigger than allowed, `manifest` it is not valid, `corrupt` hash or size differ, `schema` inputs or
 *  outputs are not those declared, `golden` it computes something else than where it was made, `runtime` onnxruntime refuses it. */
export type ModelFault = {
  readonly code: "missing" | "oversized" | "manifest" | "corrupt" | "schema" | "golden" | "runtime";
  readonly message: string;
};
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: ModelFault };
export type ModelBundle<M extends ModelManifest = ModelManifest> = { readonly manifest: M; readonly files: ReadonlyMap<string, Uint8Array> };

export const fault = (code: ModelFault["code"], message: string): { readonly ok: false; readonly fault: ModelFault } => ({
  ok: false,
  fault: { code, message },
});

/** A file of the bundle as text; an empty string when it is not listed. */
export const textFile = (bundle: ModelBundle, name: string): string => new TextDecoder().decode(bundle.files.get(name));
