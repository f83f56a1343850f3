import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpReply, HttpRequest } from "./http.ts";
import { StaticFiles, StaticFolderError } from "./static-files.ts";

let root: string;
let files: StaticFiles;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "copresence-static-"));
  const build = join(root, "build");
  await mkdir(join(build, "assets"), { recursive: true });
  await writeFile(join(build, "index.html"), "<!doctype html>");
  await writeFile(join(build, "assets/app-1234.js"), "x".repeat(2000));
  await writeFile(join(build, ".env"), "secret");
  await writeFile(join(root, "outside.txt"), "secret");
  await symlink(join(root, "outside.txt"), join(build, "link.txt"));
  files = await StaticFiles.load(build);
});
afterAll(() => rm(root, { recursive: true }));

const get = (path: string, headers: Record<string, string> = {}): HttpReply | undefined => {
  const request: HttpRequest = {
    method: "GET",
    path,
    query: new URLSearchParams(),
    header: (name) => headers[name],
    address: "",
    body: new Uint8Array(),
  };
  return files.reply(request);
};

describe("StaticFiles", () => {
  it.each([
    ["relative with a dot", (build: string) => `./${relative(process.cwd(), build)}`],
    ["with a slash at its end", (build: string) => `${build}/`],
  ])("serves the same from a folder that is given %s", async (_how, given) => {
    files = await StaticFiles.load(given(join(root, "build")));
    expect(get("/")?.status).toBe(200);
    expect(get("/assets/app-1234.js")?.status).toBe(200);
  });

  it("[SF2] serves the index fresh and hashed assets for ever, each with its type", () => {
    expect(get("/")?.headers).toMatchObject({ "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" });
    const asset = get("/assets/app-1234.js");
    expect(asset?.headers["content-type"]).toBe("text/javascript; charset=utf-8");
    expect(asset?.headers["cache-control"]).toContain("immutable");
  });

  it("answers a known ETag with 304 and compresses where the client can", () => {
    const etag = get("/")?.headers["etag"] ?? "";
    expect(get("/", { "if-none-match": etag })?.status).toBe(304);
    const zipped = get("/assets/app-1234.js", { "accept-encoding": "br, gzip" });
    expect(zipped?.headers["content-encoding"]).toBe("gzip");
    expect(zipped?.body.length).toBeLessThan(200);
  });

  it.each([
    "/../outside.txt",
    "/%2e%2e/outside.txt",
    "/..%2foutside.txt",
    "/assets/../../outside.txt",
    "/.env",
    "/link.txt",
    "/%",
    "/%00",
    "/assets",
    "//",
    "/__proto__",
  ])("[SF1] has nothing at %s", (path) => expect(get(path)).toBeUndefined());

  it("says what to do when there is no such folder", async () => {
    await expect(StaticFiles.load(join(root, "nowhere"))).rejects.toThrow(StaticFolderError);
  });
});
