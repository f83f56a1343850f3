/**
 * An onnxruntime session of a checked bundle. The runtime is handed in, so that the same code runs on onnxruntime-node and onnxruntime-web.
 *
 * [MS1] One thread inside and one between operators: with two, small models get slower and their p99 triples (INFERENCE.md).
 * [MS2] A session exists only if the graph's inputs and outputs are those the manifest declares.
 */
import type { InferenceSession, TypedTensor } from "onnxruntime-node";
import { fault, type ModelBundle, type Result } from "./bundle.ts";

/** What is used of onnxruntime-node or onnxruntime-web. */
export type Runtime = {
  readonly InferenceSession: { create(bytes: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> };
  readonly Tensor: {
    new (type: "float32", data: Float32Array, dims: readonly number[]): TypedTensor<"float32">;
    new (type: "int64", data: BigInt64Array, dims: readonly number[]): TypedTensor<"int64">;
  };
};
export type { InferenceSession };

const OPTIONS: InferenceSession.SessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential", enableCpuMemArena: true };

/** `providers`: `["cpu"]` in Node, `["wasm"]` in browsers. Never rejects. */
export async function openSession(runtime: Runtime, bundle: ModelBundle, providers: readonly string[]): Promise<Result<InferenceSession>> {
  const { manifest, files } = bundle;
  const bytes = files.get(manifest.model);
  if (bytes === undefined) return fault("manifest", `${manifest.model} is not among the files`);
  let session: InferenceSession;
  try {
    session = await runtime.InferenceSession.create(bytes, { ...OPTIONS, executionProviders: [...providers] });
  } catch (error) {
    return fault("runtime", `onnxruntime refuses ${manifest.model}: ${firstLine(error)}`);
  }
  const wrong =
    differs(session.inputNames, Object.keys(manifest.schema.inputs)) ?? differs(session.outputNames, Object.keys(manifest.schema.outputs));
  if (wrong === undefined) return { ok: true, value: session };
  await session.release();
  return fault("schema", `${manifest.model} has ${wrong}`);
}

/** A sentence when the graph's names are not the declared ones; declared names the graph lacks count as well. */
function differs(has: readonly string[], declared: readonly string[]): string | undefined {
  const missing = declared.find((name) => !has.includes(name));
  if (missing !== undefined) return `no "${missing}", which the manifest declares`;
  const extra = has.find((name) => !declared.includes(name));
  return extra === undefined ? undefined : `"${extra}", which the manifest does not declare`;
}

export const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
