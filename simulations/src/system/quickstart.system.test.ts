/** The README's quickstart is this file, is short, and works: compiled with the examples, run here against a real server. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, devTicket, frameLoop, type Space } from "@copresence/client/node";
import { developmentConfig } from "@copresence/server/config";
import { type RunningServer, startServer } from "@copresence/server/main";
import { openRooms } from "../../../examples/src/embed.ts";
import { walkIn } from "../../../examples/src/quickstart.ts";
import { initialObjects, workshop } from "../../../examples/src/workshop.ts";

const source = readFileSync(new URL("../../../examples/src/quickstart.ts", import.meta.url), "utf8");
const readme = new URL("../../../README.md", import.meta.url);

/** What a quickstart asks of a renderer, without a screen: it counts the frames it was asked to draw. */
function headlessRenderer() {
  let stop = (): void => undefined;
  let last: { readonly children: readonly unknown[] } = { children: [] };
  const xr = {
    enabled: false,
    isPresenting: false,
    getFrame: () => null,
    getReferenceSpace: () => null,
    getSession: () => null,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  };
  return {
    xr,
    setAnimationLoop: (draw: (timeMs: number) => void) => void (stop = frameLoop(60, draw)),
    render: (scene: typeof last) => void (last = scene),
    stop: () => stop(),
    /** Things in the scene that was drawn last. */
    get drawn() {
      return last.children.length;
    },
  };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it("the embedded server is what the README shows, opens rooms, and lets in whom the studio's key says", async () => {
  const shown = readFileSync(new URL("../../../examples/src/embed.ts", import.meta.url), "utf8").trimEnd();
  expect(readFileSync(readme, "utf8")).toContain(shown);
  const folder = mkdtempSync(join(tmpdir(), "embed-"));
  const keys = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const { server, admit } = await openRooms(join(folder, "rooms.sqlite"), keys, 0);
  const url = `http://127.0.0.1:${server.port}`;
  const space = await connect({ url, space: "room-1", scene: workshop, ticket: () => admit("ann", "Ann", "room-1") });
  expect([space.me.name, space.me.role, space.objects.size]).toEqual(["Ann", "member", initialObjects.length]);
  await expect(connect({ url, space: "room-2", ticket: await admit("ann", "Ann", "room-1") })).rejects.toThrow(
    "The join ticket is for another space.",
  );
  await space.leave();
  expect(await server.stop()).toBe(true);
  rmSync(folder, { recursive: true });
});

describe("the quickstart", () => {
  let server: RunningServer;
  let friend: Space;

  beforeAll(async () => {
    const config = { port: 0, transport: "ws", pipeline: { kind: "inline" }, logLevel: "silent" } as const;
    server = await startServer(developmentConfig([{ spaces: "demo", scene: workshop, initial: initialObjects }], config));
    const url = `http://127.0.0.1:${server.port}`;
    friend = await connect({ url, space: "demo", ticket: () => devTicket(url, { space: "demo", name: "Grace" }) });
  });

  afterAll(async () => {
    await friend.leave();
    await server.stop();
  });

  it("has at most 20 lines and is what the README shows", () => {
    expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
    expect(readFileSync(readme, "utf8")).toContain(source.trimEnd());
  });

  it("walks in: the others see its head, it sees theirs, and its edit arrives", async () => {
    const renderer = headlessRenderer();
    const space = await walkIn(`http://127.0.0.1:${server.port}`, renderer as never);
    const stopFriend = frameLoop(60, (nowMs) => {
      friend.me.setPose([0, 1.6, 0, 0, 0, 0, 1, -0.2, 1, -0.3, 0, 0, 0, 1, 0.2, 1, -0.3, 0, 0, 0, 1]);
      friend.frame(nowMs);
    });
    await until("Grace sees Ada", () => friend.people.byUser(space.me.user)?.visible === true);
    await until("Ada sees Grace", () => space.people.byUser(friend.me.user)?.visible === true);
    // The rig with the camera, and Grace.
    await until("Grace is drawn", () => renderer.drawn === 2);
    await until("the label arrives", () => String((friend.objects.get("valve-3") as { label?: unknown } | undefined)?.label) === "Ada was here");
    stopFriend();
    renderer.stop();
    await space.leave();
  });
});
