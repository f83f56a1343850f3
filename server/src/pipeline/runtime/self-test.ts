/** Loads onnxruntime-node and proves that it computes, before anything relies on it. Import this in a worker only: it loads native code. */
import type { RuntimeReport } from "../carrier.ts";
import { TINY_MODEL_VECTOR, tinyModel } from "./tiny-model.ts";

/** One thread each way: with more, small models get slower and their p99 triples (INFERENCE.md). */
const SESSION_OPTIONS = { executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1 } as const;

/** Never rejects: a machine without the runtime still has lexical search and the lexicon, and says so. */
export async function testRuntime(): Promise<RuntimeReport> {
  try {
    const ort = await import("onnxruntime-node");
    const session = await ort.InferenceSession.create(tinyModel(), SESSION_OPTIONS);
    const { y } = await session.run({ x: new ort.Tensor("float32", [...TINY_MODEL_VECTOR.input], [1, 3]) });
    await session.release();
    const got = y === undefined ? [] : [...(y.data as Float32Array)];
    const agrees = got.length === 2 && got.every((value, i) => value === TINY_MODEL_VECTOR.output[i]);
    const version = ort.env.versions.node ?? ort.env.versions.common;
    return agrees
      ? { ok: true, sentence: `onnxruntime-node ${version}` }
      : { ok: false, sentence: `onnxruntime-node ${version} computes wrongly: ${got.join(", ")}` };
  } catch (error) {
    return { ok: false, sentence: `onnxruntime-node does not load: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}` };
  }
}
