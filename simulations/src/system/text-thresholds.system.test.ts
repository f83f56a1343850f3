/** Spaces of one server that moderate alike or not, as their rules say; through the real server and its pipeline's worker. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, devTicket, type Space } from "@copresence/client/node";
import { developmentConfig } from "@copresence/server/config";
import { type RunningServer, startServer } from "@copresence/server/main";
import { defaultRoles, defineScene, t } from "@copresence/shared/scene";

const scene = defineScene({
  name: "hall",
  version: 1,
  bounds: { min: [-20, 0, -20], max: [20, 5, 20] },
  roles: defaultRoles,
  objects: { thing: { transform: t.leased(), label: t.text() } },
});

type Ready = { readonly pipeline: { readonly state: string } };

describe("text thresholds of spaces", () => {
  let server: RunningServer;
  const spaces: Space[] = [];
  const enter = async (space: string, name: string): Promise<Space> => {
    const url = `http://127.0.0.1:${server.port}`;
    const entered = await connect({ url, space, ticket: () => devTicket(url, { space, name }) });
    spaces.push(entered);
    return entered;
  };

  beforeAll(async () => {
    const rules = [
      { spaces: "school", scene, thresholds: { toxic: 0.3 } },
      { spaces: "arena", scene, thresholds: { toxic: 1, insult: 1, hate: 1, threat: 1, sexual: 1, spam: 1, grooming: 1, lexicon: 1 } },
      { spaces: "hall", scene },
    ];
    const config = { port: 0, transport: "ws", pipeline: { kind: "thread" }, logLevel: "silent" } as const;
    server = await startServer(developmentConfig(rules, { ...config, moderation: { failOpen: true, holdMs: 20_000 } }));
    // Until the worker has its model the lexicon judges, which knows no such thresholds.
    const ready = async (): Promise<boolean> =>
      ((await (await fetch(`http://127.0.0.1:${server.port}/readyz`)).json()) as Ready).pipeline.state === "ready";
    while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 50));
  }, 30_000);

  afterAll(async () => {
    await Promise.all(spaces.map((space) => space.leave()));
    await server.stop();
  });

  it("[TJ1] a line that one space hides is shown in another", async () => {
    const heard: Record<string, string[]> = {};
    for (const name of ["school", "arena", "hall"]) {
      const [speaker, listener] = [await enter(name, "Ada"), await enter(name, "Bob")];
      const lines: string[] = (heard[name] = []);
      const last = Promise.withResolvers<void>();
      listener.on("chat", ({ text }) => {
        if (text === "good morning everyone") last.resolve();
        else lines.push(text);
      });
      for (const line of ["our team is trash", "kill yourself", "good morning everyone"]) speaker.chat(line);
      await last.promise;
    }
    expect(heard).toEqual({ school: [], arena: ["our team is trash", "kill yourself"], hall: ["our team is trash"] });
  });
});
