import { defaultRoles, defineScene, t } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import { configFaults, configFromEnvironment, developmentConfig, ruleLookup } from "./config.ts";

const scene = defineScene({
  name: "test",
  version: 1,
  bounds: { min: [-1, 0, -1], max: [1, 2, 1] },
  roles: defaultRoles,
  objects: { box: { transform: t.leased() } },
});
const read = (env: Record<string, string>) => configFromEnvironment(env, scene);

describe("configFromEnvironment", () => {
  it("needs a ticket key or the word that this is development", () => {
    expect(read({})).toMatchObject({ ok: false, error: [expect.stringContaining("COPRESENCE_DEV_TICKETS")] });
    expect(read({ COPRESENCE_DEV_TICKETS: "1" })).toMatchObject({ ok: true, value: { port: 2567, host: "127.0.0.1", tickRateHz: 60 } });
  });

  it("[CF1] says everything that is wrong at once", () => {
    const result = read({
      COPRESENCE_DEV_TICKETS: "yes",
      COPRESENCE_PORT: "http",
      COPRESENCE_TRANSPORT: "tcp",
      COPRESENCE_TICK_RATE: "500",
      COPRESENCE_ORIGINS: "example.com",
      COPRESENCE_TICKET_KEYS: "{",
      COPRESENCE_PROT: "1",
    });
    expect(result.ok ? [] : result.error.map((sentence) => /COPRESENCE_\w+|tick rate|origin/.exec(sentence)?.[0])).toEqual(
      expect.arrayContaining([
        "COPRESENCE_DEV_TICKETS",
        "COPRESENCE_PORT",
        "COPRESENCE_TRANSPORT",
        "tick rate",
        "origin",
        "COPRESENCE_TICKET_KEYS",
        "COPRESENCE_PROT",
      ]),
    );
  });

  it("ignores what is not its own", () => expect(read({ PATH: "/bin", COPRESENCE_DEV_TICKETS: "1" }).ok).toBe(true));
});

describe("ruleLookup", () => {
  it("finds exact names and prefixes, the first rule first", () => {
    const other = { ...scene, name: "other" };
    const ruleOf = ruleLookup([
      { spaces: "demo", scene },
      { spaces: "demo*", scene: other },
    ]);
    expect([ruleOf("demo")?.scene.name, ruleOf("demo2")?.scene.name, ruleOf("lobby")]).toEqual(["test", "other", undefined]);
  });

  it("a rule must be a name or a prefix", () => {
    expect(configFaults(developmentConfig([{ spaces: "../x", scene }]))).toHaveLength(1);
    expect(configFaults(developmentConfig([{ spaces: "*", scene }]))).toEqual([]);
  });
});
