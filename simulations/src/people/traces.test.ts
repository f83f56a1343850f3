import { gzipSync } from "node:zlib";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POSE_FLOATS } from "@copresence/shared/pose";
import { describe, expect, it } from "vitest";
import { loadTrace, loadTraces, parseTrace, type Trace, TracePerson } from "./traces.ts";

const header = `t_ms,${Array.from({ length: POSE_FLOATS }, (_, i) => `c${i}`).join(",")}`;
const device = (x: number): string => `${x},1,0,0,0,0,1`;
const row = (t: number, x: number): string => `${t},${device(x)},${device(x - 0.2)},${device(x + 0.2)}`;
const csv = [header, row(0, 1), row(10, 1.1), row(10, 9), row(20, 1.3), ""].join("\n");

function parsed(text: string): Trace {
  const trace = parseTrace("x", text);
  if (!trace.ok) throw new Error(trace.error.sentence);
  return trace.value;
}

describe("traces", () => {
  it("reads rows, and drops those whose clock stands still", () => {
    const trace = parsed(csv);
    expect(trace.count).toBe(3);
    expect([...trace.timesMs]).toEqual([0, 10, 20]);
    expect(trace.poses[2 * POSE_FLOATS]).toBe(1.3);
  });

  it("says what is wrong with a recording", () => {
    expect(parseTrace("x", `${header}\n1,2,3`)).toMatchObject({ ok: false, error: { code: "malformed" } });
    expect(parseTrace("x", `${header}\n${row(0, 1)}\n${row(5, Number.NaN)}`)).toMatchObject({ ok: false, error: { code: "malformed" } });
    expect(parseTrace("x", header)).toMatchObject({ ok: false, error: { code: "malformed" } });
    expect(loadTrace("nowhere.csv.gz")).toMatchObject({ ok: false, error: { code: "unreadable" } });
    expect(loadTraces("nowhere")).toMatchObject({ ok: false, error: { code: "unreadable" } });
  });

  it("loads a folder in order of id, by prefix", () => {
    const folder = mkdtempSync(join(tmpdir(), "traces-"));
    try {
      for (const id of ["b1", "a2", "a1"]) writeFileSync(join(folder, `${id}.csv.gz`), gzipSync(csv));
      const all = loadTraces(folder);
      const some = loadTraces(folder, ["a"]);
      expect(all.ok && all.value.map((trace) => trace.id)).toEqual(["a1", "a2", "b1"]);
      expect(some.ok && some.value.map((trace) => trace.id)).toEqual(["a1", "a2"]);
      expect(loadTraces(folder, ["c"]).ok).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("plays forwards and backwards without a jump, centred", () => {
    const person = new TracePerson({ trace: parsed(csv) });
    const out = new Float64Array(POSE_FLOATS);
    const heads = [0, 5, 10, 20, 30, 40, 50].map((t) => {
      person.sample(t, out);
      return out[0] as number;
    });
    const centre = (1 + 1.1 + 1.3) / 3;
    [1, 1.05, 1.1, 1.3, 1.1, 1, 1.1].forEach((x, i) => expect(heads[i]).toBeCloseTo(x - centre, 9));
    expect(Math.hypot(...out.subarray(3, 7))).toBeCloseTo(1, 12);
  });
});
