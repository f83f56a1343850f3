/**
 * Runs Node under Debian 13's C library on an older Debian, so that uWebSockets.js loads there: for tests and benches, not for production.
 * The three packages (4 MB) are unpacked into a cache folder; nothing is installed.
 *
 * [TX1] The mirror is the machine's own: its apt sources, with the suite replaced. No host is named here.
 * [TX2] The machine's apt lists and sources are not touched; everything apt writes goes under the cache folder.
 * [TX3] A cache that is complete is used as it is, so a machine without a network keeps working.
 *
 * As a script: `node trixie-loader.ts CACHE_DIR` prints the command prefix, one argument a line, that runs Node under the newer loader.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const SUITE = "trixie";
const PACKAGES = ["libc6", "libstdc++6", "libgcc-s1"];
const ARCHITECTURES: Readonly<Record<string, { readonly triplet: string; readonly loader: string }>> = {
  x64: { triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" },
  arm64: { triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" },
};
const APT_MS = 120_000;

/** It cannot be done here; the message says why. */
export class LoaderUnavailable extends Error {}

/** True when uWebSockets.js loads in this very process, and no loader is needed. */
export async function uwsLoadsHere(): Promise<boolean> {
  try {
    await import("uWebSockets.js");
    return true;
  } catch {
    return false;
  }
}

/** The arguments that start Node under the newer loader: `[ld, "--library-path", dirs, node]`. Append node's own arguments. */
export async function trixieLoader(cacheFolder: string): Promise<readonly string[]> {
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== "linux" || architecture === undefined)
    throw new LoaderUnavailable(`there is no Debian loader for ${process.platform} ${process.arch}`);
  const root = join(resolve(cacheFolder), `${SUITE}-${process.arch}`);
  if (!existsSync(join(root, "complete"))) await prepare(root);
  const libraries = [join(root, "root/usr/lib", architecture.triplet), join(root, "root/lib", architecture.triplet)];
  const loader = libraries.map((folder) => join(folder, architecture.loader)).find((path) => existsSync(path));
  if (loader === undefined) throw new LoaderUnavailable("the unpacked packages hold no loader");
  return [loader, "--library-path", libraries.join(":"), process.execPath];
}

async function prepare(root: string): Promise<void> {
  const work = `${root}.${process.pid}`;
  try {
    await rm(work, { recursive: true, force: true });
    for (const folder of ["lists/partial", "cache/archives/partial", "state", "debs", "root"]) await mkdir(join(work, folder), { recursive: true });
    await writeFile(join(work, "sources.list"), await suiteSources());
    await writeFile(join(work, "state/status"), "");
    await run("apt-get", ["update", ...aptOptions(work)], { timeout: APT_MS });
    await run("apt-get", ["download", ...PACKAGES, ...aptOptions(work)], { timeout: APT_MS, cwd: join(work, "debs") });
    for (const file of await readdir(join(work, "debs")))
      await run("dpkg", ["-x", join(work, "debs", file), join(work, "root")], { timeout: APT_MS });
    await writeFile(join(work, "complete"), "");
    // Another process may have finished first; its folder is as good as ours.
    await rename(work, root).catch(() => rm(work, { recursive: true, force: true }));
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error instanceof LoaderUnavailable ? error : new LoaderUnavailable("apt could not fetch Debian 13's libraries", { cause: error });
  }
}

/** Everything apt reads and writes, moved under `work`; proxies, credentials and keyrings stay the machine's. */
function aptOptions(work: string): string[] {
  const settings = {
    "Dir::Etc::SourceList": join(work, "sources.list"),
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State": join(work, "state"),
    "Dir::State::Lists": join(work, "lists"),
    "Dir::State::status": join(work, "state/status"),
    "Dir::Cache": join(work, "cache"),
    "APT::Sandbox::User": "",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/** One-line sources for the newer suite at every Debian archive the machine's own sources name. */
async function suiteSources(): Promise<string> {
  const archives = new Set<string>();
  for (const text of await sourceFiles()) {
    // deb822 stanzas carry `URIs:`, one-line sources `deb [options] URI suite`.
    for (const match of text.matchAll(/^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(\S+)/gm)) {
      const uri = match[1]?.replace(/\/$/, "");
      if (uri?.endsWith("/debian")) archives.add(uri);
    }
  }
  if (archives.size === 0) throw new LoaderUnavailable("this machine's apt has no Debian archive in its sources");
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const options = existsSync(keyring) ? `[signed-by=${keyring}] ` : "";
  return [...archives].map((uri) => `deb ${options}${uri} ${SUITE} main\n`).join("");
}

async function sourceFiles(): Promise<string[]> {
  const folder = "/etc/apt/sources.list.d";
  const names = existsSync(folder) ? (await readdir(folder)).filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(folder, name)) : [];
  const paths = ["/etc/apt/sources.list", ...names].filter((path) => existsSync(path));
  return Promise.all(paths.map((path) => readFile(path, "utf8")));
}

if (import.meta.main) {
  const prefix = await trixieLoader(process.argv[2] ?? ".cache");
  process.stdout.write(`${prefix.join("\n")}\n`);
}
