import { describe, expect, it } from "vitest";
import { Digest } from "./digest.ts";
import { engineRun } from "./engine-run.ts";
import { bundle, ENGINES } from "./engines.ts";

const FRAMES = 3000;
const SEED = 7;

describe("engines", () => {
  it("agree on every byte and every number: node, V8 without compilers, Chromium, QuickJS, and JavaScriptCore and SpiderMonkey where they are", async () => {
    const script = await bundle();
    const expected = engineRun(FRAMES, SEED);
    expect(expected.equal).toBe(FRAMES);
    // The same run in another order of magnitude, or with another seed, is another run.
    expect(engineRun(FRAMES - 1, SEED).values).not.toBe(expected.values);
    expect(engineRun(FRAMES, SEED + 1).bytes).not.toBe(expected.bytes);
    const absent = ENGINES.filter((engine) => !engine.present());
    if (absent.length > 0) console.warn(`SKIPPED engines: ${absent.map((engine) => `${engine.name} (install ${engine.package})`).join(", ")}`);
    for (const { name, run } of ENGINES.filter((engine) => engine.present() && engine.name !== "chromium_jitless"))
      expect({ name, ...(await run(script, FRAMES, SEED)) }).toEqual({ name, ...expected });
  });

  it("would be told apart by the last bit of one number", () => {
    const [one, other] = [new Digest(), new Digest()];
    one.addNumber(0.1);
    other.addNumber(0.1 + 2 ** -56);
    expect(one.text).not.toBe(other.text);
  });
});
