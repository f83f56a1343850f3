/**
 * Questions about the scene under rules over who may find what, through the real server: over its sockets, with its store, its pipeline's worker in
 * a thread, asked with the SDK.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, type Description, devTicket, type SearchResult, type Space } from "@copresence/client/node";
import { developmentConfig } from "@copresence/server/config";
import { type RunningServer, startServer } from "@copresence/server/main";
import { defaultRoles, defineScene, type PermissionScope, t } from "@copresence/shared/scene";

const hall = defineScene({
  name: "hall",
  version: 1,
  bounds: { min: [-20, 0, -20], max: [20, 5, 20] },
  roles: defaultRoles,
  zones: { vault: { min: [10, 0, 10], max: [20, 5, 20] } },
  objects: { thing: { transform: t.leased(), label: t.text() } },
});
const initial = [
  ["chair-1", "chair", 1, 1],
  ["chair-2", "chair", 2, 1],
  ["chair-3", "chair", 15, 15],
  ["safe", "safe", 15.5, 15],
].map(([id, label, x, z]) => ({
  id: String(id),
  type: "thing",
  fields: { transform: { position: [x, 0.5, z], rotation: [0, 0, 0, 1], scale: 1 }, label },
}));

const NOBODY_FINDS = { to: "everybody", who: "", right: "find" } as const;
const VAULT: PermissionScope = { target: "zone", name: "vault", ...NOBODY_FINDS };
const CHAIR: PermissionScope = { target: "object", name: "chair-2", ...NOBODY_FINDS };

describe("search, standing questions and descriptions under permissions", () => {
  let server: RunningServer;
  let [ada, mod]: Space[] = [];
  const enter = (name: string, role: "member" | "moderator"): Promise<Space> => {
    const url = `http://127.0.0.1:${server.port}`;
    return connect({ url, space: "demo", ticket: () => devTicket(url, { space: "demo", name, role }) });
  };
  /** Resolves when the room has told Ada of the rule, which is in force by then. */
  const rule = (scope: PermissionScope, allow: boolean | undefined): Promise<void> =>
    new Promise((resolve) => {
      const off = ada!.on("permissions", () => {
        off();
        resolve();
      });
      mod!.permissions.set(scope, allow);
    });
  /** Asks until the answer is whole: the worker may still be starting, and nobody may ask more than some times a second. */
  const whole = async <T extends { readonly degraded: boolean }>(ask: () => Promise<T>): Promise<T> => {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const answer = await ask();
      if (!answer.degraded || performance.now() > deadline) return answer;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const search = (space: Space, text: string): Promise<SearchResult> => whole(() => space.search(text));
  const tell = (space: Space): Promise<Description> => whole(() => space.describe());
  const count = async (space: Space): Promise<number | undefined> => (await search(space, "how many chairs")).count;
  const found = async (space: Space, text: string): Promise<string[]> => (await search(space, text)).hits.map(({ object }) => object).sort();

  beforeAll(async () => {
    const config = { port: 0, transport: "ws", pipeline: { kind: "thread" }, logLevel: "silent" } as const;
    server = await startServer(developmentConfig([{ spaces: "demo", scene: hall, initial: initial as never }], config));
    [ada, mod] = await Promise.all([enter("Ada", "member"), enter("Mod", "moderator")]);
    await search(ada, "chair");
  }, 30_000);

  afterAll(async () => {
    await Promise.all([ada?.leave(), mod?.leave()]);
    await server.stop();
  });

  it("[SE5] what may not be found is no hit, in no count and in no description; moderators find it", async () => {
    expect(await found(ada!, "chair")).toEqual(["chair-1", "chair-2", "chair-3"]);
    expect(await count(ada!)).toBe(3);
    await rule(VAULT, false);
    expect(await found(ada!, "chair")).toEqual(["chair-1", "chair-2"]);
    expect(await count(ada!)).toBe(2);
    expect((await found(ada!, "safe")).includes("safe")).toBe(false);
    expect(await tell(ada!)).toMatchObject({ degraded: false, objects: 2, groups: [{ label: "chair", count: 2 }] });
    expect((await tell(ada!)).text).not.toContain("safe");
    expect(await count(mod!)).toBe(3);
    expect((await tell(mod!)).text).toContain("safe");
    await rule(VAULT, undefined);
    expect(await count(ada!)).toBe(3);
    expect((await tell(ada!)).objects).toBe(4);
  });

  it("[SE4] [SE5] a standing question loses and regains its hits as the rules change, without being asked again", async () => {
    // Somebody who has not asked yet: questions are rationed.
    const bob = await enter("Bob", "member");
    const told: string[][] = [];
    let next = Promise.withResolvers<void>();
    const refused = bob.on("denied", ({ sentence }) => next.reject(new Error(sentence)));
    const stop = bob.watch("chair", ({ hits }: SearchResult) => {
      told.push(hits.map(({ object }) => object).sort());
      next.resolve();
      next = Promise.withResolvers();
    });
    await next.promise;
    await Promise.all([next.promise, rule(CHAIR, false)]);
    await Promise.all([next.promise, rule(CHAIR, undefined)]);
    stop();
    refused();
    await bob.leave();
    expect(told).toEqual([
      ["chair-1", "chair-2", "chair-3"],
      ["chair-1", "chair-3"],
      ["chair-1", "chair-2", "chair-3"],
    ]);
  });

  it("[SE5] a role and a person: the narrower rule decides, from the next question on", async () => {
    const toMembers: PermissionScope = { target: "type", name: "thing", to: "role", who: "member", right: "find" };
    await rule(toMembers, false);
    expect(await found(ada!, "everything")).toEqual([]);
    expect((await tell(ada!)).text).toContain("nothing here");
    const toAda: PermissionScope = { ...toMembers, target: "object", name: "chair-1", to: "user", who: ada!.me.user };
    await rule(toAda, true);
    expect(await found(ada!, "everything")).toEqual(["chair-1"]);
    await rule(toMembers, undefined);
    await rule(toAda, undefined);
  });

  it("[SE5] nobody is described to somebody they blocked", async () => {
    expect(await tell(ada!)).toMatchObject({ people: 1 });
    mod!.safety.block(ada!.me.user);
    // Both ways at once; the moderator's own next answer comes after it.
    expect(await tell(mod!)).toMatchObject({ people: 0 });
    expect(await tell(ada!)).toMatchObject({ people: 0 });
    mod!.safety.block(ada!.me.user, false);
  });
});
