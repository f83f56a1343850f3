/**
 * What both ends must agree on uses no function that ECMAScript leaves to the engine ("implementation-approximated"): a scan of the sources, so
 * that the next helper does not bring one in. The same is run, in several engines, by `npm run bench -- engines`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SOURCES = ["pose", "motion"].map((folder) => fileURLToPath(new URL(`../src/${folder}`, import.meta.url)));
/** What ECMAScript defines to the bit. Everything else of Math, reached in whatever way, is left to the engine or is dice. */
const EXACT = new Set(["floor", "ceil", "trunc", "abs", "round", "min", "max", "sign", "clz32", "imul"]);
const mathCalls = (code: string): string[] => [...code.matchAll(/\bMath\b(?:\s*\.\s*(\w+))?/g)].map(([, name]) => name ?? "itself");
/** `**` is Math.pow; of a literal power of two it is exact everywhere. */
const POWER = /(?<!\b2 )\*\*(?![/*])/;

/**
 * Files where the result is measured at the source, judged by one end alone, or only displayed, with the reason. Everything else computes what
 * two ends must have alike.
 */
const ONE_END: Readonly<Record<string, string>> = {
  "pose/hands/hand-measure.ts": "the source measures joints; what it sends are the integers",
  "pose/streams/gaze.ts": "encodeGaze normalises at the source; decodeGaze has no such function",
  "motion/hand-guard.ts": "the room judges alone",
  "motion/pose-guard.ts": "the room judges alone",
  "motion/rig-predictor.ts": "how a correction fades is only displayed",
  "motion/frames.ts": "radians of an application's input, and for display; composing uses the table",
  "motion/step.ts": "an integer root that is corrected until it is exact",
  // ECMAScript leaves Math.sqrt to the engine, IEEE 754 does not: the instruction that every engine uses rounds correctly.
  "motion/flight.ts": "nothing but square roots",
  "motion/launch.ts": "nothing but square roots",
  "motion/hold.ts": "nothing but square roots",
};
const KITS = /\.test\.ts$|(^|\/)(pose-kit|testing)\.ts$/;

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts") && !KITS.test(name));
}
/** Code without comments; strings stay, they hold no arithmetic. */
const codeOf = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");
const offends = (code: string): boolean => mathCalls(code).some((name) => !EXACT.has(name)) || POWER.test(code);

describe("arithmetic that both ends share", () => {
  const offenders = SOURCES.flatMap((folder) =>
    filesOf(folder)
      .filter((name) => offends(codeOf(readFileSync(`${folder}/${name}`, "utf8"))))
      .map((name) => `${folder.slice(folder.lastIndexOf("/") + 1)}/${name}`),
  );

  it("has no approximated function in the codec or the motion step", () => {
    expect(offenders.filter((file) => ONE_END[file] === undefined)).toEqual([]);
  });

  it("excuses no file that needs no excuse", () => {
    expect(Object.keys(ONE_END).filter((file) => !offenders.includes(file))).toEqual([]);
  });

  it("excuses roots as roots only", () => {
    const rooted = Object.keys(ONE_END).filter((file) => ONE_END[file] === "nothing but square roots");
    for (const file of rooted) {
      const code = codeOf(readFileSync(fileURLToPath(new URL(`../src/${file}`, import.meta.url)), "utf8"));
      expect(offends(code.replaceAll("Math.sqrt", "")), file).toBe(false);
    }
  });

  it.each(["Math.sin(x)", "Math.hypot(1, 2)", "a ** b", "x ** 2", "const { cos } = Math", "Math['exp'](1)", "Math.sqrt(2)"])(
    "would find %s",
    (code) => {
      expect(offends(code)).toBe(true);
    },
  );
  it.each(["2 ** 20", "Math.floor(x)", "/** Math.sin */ x", "Math.imul(3, 4) * 2"])("lets %s be", (code) => {
    expect(offends(codeOf(code))).toBe(false);
  });
});
