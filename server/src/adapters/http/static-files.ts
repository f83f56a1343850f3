/**
 * The demo build, served from memory.
 *
 * [SF1] Only files found when the server started exist; a path is looked up, never resolved, so there is nothing to traverse.
 * [SF2] Files under `assets/` carry a hash in their name and may be cached for ever; everything else is revalidated by ETag.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { HttpReply, HttpRequest } from "./http.ts";

type File = {
  readonly plain: Uint8Array;
  readonly zipped: Uint8Array | undefined;
  readonly type: string;
  readonly etag: string;
  readonly cache: string;
};

/** A demo build is a few MB; a folder larger than this is not one. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
const MIN_ZIP_BYTES = 1024;
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".glb": "model/gltf-binary",
  ".hdr": "application/octet-stream",
  ".txt": "text/plain; charset=utf-8",
};
const TEXT = /^(text\/|application\/(json|manifest)|image\/svg)/;
const zip = promisify(gzip);

/** The folder cannot be served; the message is the sentence for the operator. */
export class StaticFolderError extends Error {}

export class StaticFiles {
  private readonly files = new Map<string, File>();

  /** Reads the whole folder. Dot files and links are not served. */
  static async load(folder: string): Promise<StaticFiles> {
    const served = new StaticFiles();
    let total = 0;
    for (const entry of await listFolder(folder)) {
      const path = join(entry.parentPath, entry.name);
      const name = relative(folder, path).split(sep).join("/");
      if (!entry.isFile() || name.split("/").some((part) => part.startsWith("."))) continue;
      const plain = await readFile(path);
      total += plain.length;
      if (total > MAX_TOTAL_BYTES)
        throw new StaticFolderError(`The static folder holds more than ${MAX_TOTAL_BYTES >> 20} MiB; point it at a build's output.`);
      served.files.set(`/${name}`, await toFile(name, plain));
    }
    return served;
  }

  /** Undefined when there is no such file. `/` and folders answer with their index.html. */
  reply(request: HttpRequest): HttpReply | undefined {
    const file = this.find(request.path);
    if (file === undefined) return undefined;
    const headers = {
      "content-type": file.type,
      "cache-control": file.cache,
      etag: file.etag,
      vary: "accept-encoding",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    };
    if (request.header("if-none-match") === file.etag) return { status: 304, headers, body: "" };
    const zipped = /\bgzip\b/.test(request.header("accept-encoding") ?? "") ? file.zipped : undefined;
    return zipped === undefined
      ? { status: 200, headers, body: file.plain }
      : { status: 200, headers: { ...headers, "content-encoding": "gzip" }, body: zipped };
  }

  private find(path: string): File | undefined {
    let name: string;
    try {
      name = decodeURIComponent(path);
    } catch {
      return undefined;
    }
    return this.files.get(name) ?? (name.endsWith("/") ? this.files.get(`${name}index.html`) : undefined);
  }
}

async function listFolder(folder: string): ReturnType<typeof readEntries> {
  try {
    return await readEntries(folder);
  } catch {
    throw new StaticFolderError(`The static folder ${folder} cannot be read; build the demo first, or unset COPRESENCE_STATIC.`);
  }
}

const readEntries = (folder: string) => readdir(folder, { withFileTypes: true, recursive: true });

async function toFile(name: string, plain: Uint8Array): Promise<File> {
  const type = TYPES[extname(name).toLowerCase()] ?? "application/octet-stream";
  return {
    plain,
    zipped: TEXT.test(type) && plain.length >= MIN_ZIP_BYTES ? await zip(plain) : undefined,
    type,
    etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`,
    cache: name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
  };
}
