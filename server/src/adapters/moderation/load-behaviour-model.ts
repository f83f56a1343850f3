/** Reads the behaviour model that comes with the server, and refuses bytes that are not the ones its manifest names. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { err, type Result } from "@copresence/shared/base";
import { type BehaviourModel, readBehaviourModel } from "../../core/behaviour/index.ts";

const FOLDER = new URL("../../pipeline/models/behaviour/", import.meta.url);

/** A sentence says why the model cannot be used; the server then goes on with its hard limits alone. */
export async function loadBehaviourModel(folder: URL = FOLDER): Promise<Result<BehaviourModel, string>> {
  try {
    const bytes = await readFile(new URL("model.json", folder));
    const { sha256 } = JSON.parse(await readFile(new URL("manifest.json", folder), "utf8")) as { readonly sha256?: unknown };
    if (createHash("sha256").update(bytes).digest("hex") !== sha256) return err("The behaviour model is not the one its manifest names (sha256).");
    return readBehaviourModel(JSON.parse(bytes.toString("utf8")));
  } catch (error) {
    return err(`The behaviour model cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
