/**
 * Reads a model's folder into memory and proves that it holds what its manifest says, before any byte of it reaches the runtime.
 *
 * [MB1] Sizes are checked before reading, hashes before use, and the runtime is given bytes, never a path: what was checked is what runs.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fault, type ModelBundle, type Result } from "./bundle.ts";
import { type ModelManifest, parseManifest } from "./manifest.ts";

const MANIFEST_BYTES = 64 * 1024;
/** Default for the sum of a model's files: a sentence transformer of 22 M parameters in float32 fits. */
export const MAX_MODEL_BYTES = 128 * 1024 * 1024;

/** The bundle in `folder` of the kind asked for. Never rejects. */
export async function readBundle<K extends ModelManifest["kind"]>(
  folder: string,
  options: { readonly kind: K; readonly maxBytes?: number },
): Promise<Result<ModelBundle<Extract<ModelManifest, { kind: K }>>>> {
  const header = await readBounded(folder, "manifest.json", MANIFEST_BYTES);
  if (!header.ok) return header;
  const parsed = parseManifest(new TextDecoder().decode(header.value));
  if (!parsed.ok) return fault("manifest", parsed.reason);
  const { manifest } = parsed;
  if (manifest.kind !== options.kind) return fault("manifest", `this is a model of kind ${manifest.kind}; wanted is ${options.kind}`);

  const listed = Object.entries(manifest.files);
  const sum = listed.reduce((bytes, [, file]) => bytes + file.bytes, 0);
  const limit = options.maxBytes ?? MAX_MODEL_BYTES;
  if (sum > limit) return fault("oversized", `${manifest.id} lists ${sum} bytes; at most ${limit} are allowed`);
  if (manifest.files[manifest.model]?.sha256 !== manifest.sha256) return fault("manifest", `sha256 is not the one listed for ${manifest.model}`);

  const files = new Map<string, Uint8Array>();
  for (const [name, { bytes, sha256 }] of listed) {
    const read = await readBounded(folder, name, bytes);
    if (!read.ok) return read;
    if (read.value.byteLength !== bytes) return fault("corrupt", `${name} has ${read.value.byteLength} bytes; the manifest says ${bytes}`);
    if (createHash("sha256").update(read.value).digest("hex") !== sha256)
      return fault("corrupt", `${name} is not the file the manifest was made for`);
    files.set(name, read.value);
  }
  return { ok: true, value: { manifest: manifest as Extract<ModelManifest, { kind: K }>, files } };
}

async function readBounded(folder: string, name: string, limit: number): Promise<Result<Uint8Array>> {
  try {
    const path = join(folder, name);
    const { size } = await stat(path);
    if (size > limit) return fault("oversized", `${name} has ${size} bytes; expected are at most ${limit}`);
    return { ok: true, value: new Uint8Array(await readFile(path)) };
  } catch (error) {
    return fault("missing", `${name} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
}
