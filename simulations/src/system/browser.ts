/** A real Chromium for system tests: Debian's, headless, with software WebGL, its profile in a fresh folder. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";

const EXECUTABLES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Quiet on the network, no GPU, no sandbox (tests may run as root). */
const ARGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
];

export type TestBrowser = { readonly context: BrowserContext; readonly close: () => Promise<void> };

export async function launchBrowser(viewport = { width: 640, height: 400 }, args: readonly string[] = []): Promise<TestBrowser> {
  const executablePath = EXECUTABLES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("No Chromium on this machine; npm test installs or names it before the tests start.");
  const profile = mkdtempSync(join(tmpdir(), "copresence-chromium-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: [...ARGS, ...args], viewport });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
