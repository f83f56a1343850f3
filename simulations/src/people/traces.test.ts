import { gzipSync } from "node:zlib";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POSE_FLOATS } from "@copresence/shared/pose";
import { describe, expect, it } from "vitest";
import { groupOf, loadTrace, loadTraces, parseTrace, rateHz, readMaybeGzipped, type Trace, TRACE_COLUMNS, TracePerson } from "./traces.ts";

const header = TRACE_COLUMNS.join(",");
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

  it("[TR1] says what is wrong with a recording, and in which line of which file", () => {
    const sentence = (...lines: string[]): string => {
      const trace = parseTrace("x", lines.join("\n"), "folder/x.csv.gz");
      if (trace.ok) throw new Error("it was taken");
      expect(trace.error.code).toBe("malformed");
      return trace.error.sentence;
    };
    const good = row(0, 1);
    expect(sentence(header)).toBe("folder/x.csv.gz:1: fewer than two rows whose times rise.");
    expect(sentence(header, good, "1,2,3")).toBe("folder/x.csv.gz:3: 3 columns, the header has 22.");
    expect(sentence(header, good, row(5, Number.NaN))).toBe('folder/x.csv.gz:3: head_x is "NaN", not a number.');
    expect(sentence(header, good, "", good.replace("0,1,1", "5,,1"))).toBe('folder/x.csv.gz:4: head_x is "", not a number.');
    expect(sentence(header, good, good.replaceAll("0,0,0,1", "0,0,0,0"))).toBe("folder/x.csv.gz:3: head_qx to _qw are no unit quaternion.");
    expect(sentence(header.replace("left_qx", "lx"), good)).toBe("folder/x.csv.gz:1: no column left_qx.");
    expect(sentence("a,b,c", good)).toBe("folder/x.csv.gz:1: no column t_ms, head_x, head_y and 19 more.");
    expect(loadTrace("nowhere.csv.gz")).toMatchObject({ ok: false, error: { code: "unreadable" } });
    expect(loadTraces("nowhere")).toMatchObject({ ok: false, error: { code: "unreadable" } });
  });

  it("[TR1] finds columns by name, with others among them and Windows line ends", () => {
    const turned = csv
      .trim()
      .split("\n")
      .map((line) => ["?", ...line.split(",").reverse()].join(","))
      .join("\r\n");
    expect(parsed(turned)).toEqual(parsed(csv));
  });

  it("is read with a byte order mark, as spreadsheets write it, gzipped too", () => {
    const folder = mkdtempSync(join(tmpdir(), "traces-"));
    const marked = Buffer.from(`\ufefft_ms,x`);
    writeFileSync(join(folder, "a.csv"), marked);
    writeFileSync(join(folder, "b.csv.gz"), gzipSync(marked));
    expect(["a.csv", "b.csv.gz"].map((name) => readMaybeGzipped(join(folder, name)))).toEqual(["t_ms,x", "t_ms,x"]);
    rmSync(folder, { recursive: true });
  });

  it("[TR2] a recording cut from another begins at 0, has its rate whatever pauses it has, and quaternions that do not flip", () => {
    const rows = [5000, 5010, 5020, 65_020, 65_030].map((t, i) => (i === 2 ? row(t, i).replaceAll("0,0,0,1", "0,0,0,-1") : row(t, i)));
    const trace = parsed([header, ...rows].join("\n"));
    expect([...trace.timesMs]).toEqual([0, 10, 20, 60_020, 60_030]);
    expect(trace.startMs).toBe(5000);
    expect(rateHz(trace)).toBeCloseTo(100, 9);
    for (let i = 0; i < trace.count; i++) expect(trace.poses[i * POSE_FLOATS + 6]).toBe(1);
  });

  it("knows Beat Saber and motion capture by their names; anybody else wears a headset", () => {
    const groups = ["p04_01_aframe", "visitor-7", "p01a_beatsaber_vivepro2", "BeatSaber", "cmu01_03", "my_mocap"].map(groupOf);
    expect(groups).toEqual(["people", "people", "beatSaber", "beatSaber", "mocap", "mocap"]);
  });

  it("loads a folder in order of id, by prefix", () => {
    const folder = mkdtempSync(join(tmpdir(), "traces-"));
    try {
      for (const id of ["b1", "a2"]) writeFileSync(join(folder, `${id}.csv.gz`), gzipSync(csv));
      writeFileSync(join(folder, "a1.csv"), csv);
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
