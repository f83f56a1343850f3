/** Reads the meaning tables of a language from the models folder; refuses files that are not what the manifest says. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Semantics } from "./semantics.ts";

const FOLDER = new URL("../models/search-en/", import.meta.url);
type Manifest = { readonly files: Readonly<Record<string, { readonly sha256: string }>> };

let loaded: Semantics | undefined;

/** Some 30 ms and 25 MB, once a process. Throws a sentence when a file is missing or was changed. */
export function loadSemantics(folder: URL = FOLDER): Semantics {
  if (folder === FOLDER && loaded !== undefined) return loaded;
  const manifest = JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8")) as Manifest;
  const read = (name: string): Uint8Array => {
    const bytes = new Uint8Array(readFileSync(new URL(name, folder)));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (manifest.files[name]?.sha256 !== sha256) throw new Error(`${name} of the search model is not the file its manifest names (sha256 ${sha256})`);
    return bytes;
  };
  const semantics = new Semantics({ lexicon: gunzipSync(read("lexicon.txt.gz")).toString("utf8"), vectors: read("vectors.bin") });
  if (folder === FOLDER) loaded = semantics;
  return semantics;
}
