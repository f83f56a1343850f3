/** Real processes that are really killed and stopped; waits for events, not for time. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { FromWorker } from "../worker-messages.ts";
import { ChildLauncher } from "./child-launcher.ts";
import type { Vessel } from "./vessel.ts";

const ENTRY = new URL("../testing/idle-worker.ts", import.meta.url);
const PATIENCE = { timeout: 15_000, interval: 5 };
let launcher: ChildLauncher;
afterEach(() => launcher.close());

/** A worker that serves, and what became of it. */
async function hatch() {
  let told: (message: FromWorker) => void = () => undefined;
  const ready = new Promise<FromWorker>((resolve) => (told = resolve));
  const gone = Promise.withResolvers<string>();
  const vessel = launcher.launch(ENTRY, { onMessage: (message) => told(message), onGone: gone.resolve });
  expect(await ready).toMatchObject({ kind: "ready", runtime: { ok: true } });
  return { vessel, gone: gone.promise };
}

const status = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
const nurseryOf = ({ pid = 0 }: Vessel): number => Number(status(pid, "PPid"));
const ended = (pid = 0): Promise<void> => vi.waitFor(() => expect(existsSync(`/proc/${pid}`) && status(pid, "State") !== "Z").toBe(false), PATIENCE);

describe("ChildLauncher", () => {
  it("starts worker after worker without a fork of the room's process, and tells how each ended", async () => {
    launcher = new ChildLauncher();
    const first = await hatch();
    const nursery = nurseryOf(first.vessel);
    expect(nursery).not.toBe(process.pid);
    process.kill(first.vessel.pid ?? 0, "SIGKILL");
    expect(await first.gone).toMatch(/SIGKILL/);
    const second = await hatch();
    expect([nurseryOf(second.vessel), second.vessel.pid === first.vessel.pid]).toEqual([nursery, false]);
    await second.vessel.leave(5000);
    expect(await second.gone).toMatch(/code 0/);
  });

  it("[CL1] ends a stopped worker, and one whose nursery does not answer", async () => {
    launcher = new ChildLauncher();
    const stopped = await hatch();
    process.kill(stopped.vessel.pid ?? 0, "SIGSTOP");
    expect(await stopped.vessel.end()).toBe(true);
    const orphan = await hatch();
    const { pid } = orphan.vessel;
    process.kill(nurseryOf(orphan.vessel), "SIGSTOP");
    process.kill(pid ?? 0, "SIGSTOP");
    expect(await orphan.vessel.end()).toBe(true);
    await ended(pid);
  });

  it("[CL2] a worker that is stopped ends when the channel to the room's process closes", async () => {
    launcher = new ChildLauncher();
    const { vessel, gone } = await hatch();
    const nursery = nurseryOf(vessel);
    process.kill(vessel.pid ?? 0, "SIGSTOP");
    await launcher.close();
    expect(await gone).toMatch(/starts workers left/);
    await Promise.all([ended(vessel.pid), ended(nursery)]);
  });

  it("[CL3] a killed nursery takes its workers with it, and the next worker starts another", async () => {
    launcher = new ChildLauncher();
    const first = await hatch();
    const nursery = nurseryOf(first.vessel);
    process.kill(nursery, "SIGKILL");
    expect(await first.gone).toMatch(/SIGKILL/);
    await ended(first.vessel.pid);
    expect(nurseryOf((await hatch()).vessel)).not.toBe(nursery);
  });

  it("[CL4] workers yield to the rooms", async () => {
    launcher = new ChildLauncher();
    const { vessel } = await hatch();
    const { getPriority } = await import("node:os");
    expect(getPriority(vessel.pid)).toBe(Math.min(19, getPriority() + 10));
  });
});
