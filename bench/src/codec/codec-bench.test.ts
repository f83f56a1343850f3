import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { BlockReader, Decoded, HAND_TABLE, newPoseSample, POSE_FLOATS, ReferenceBank, RICE_TABLE } from "@copresence/shared/pose";
import { describe, expect, it } from "vitest";
import type { Figure } from "../report.ts";
import { encodeRecording, meanBytes } from "./encoding.ts";
import { measureHands } from "./hands/measure.ts";
import { DEFAULT_HANDS, loadHands } from "./hands/recordings.ts";
import { trainHandTable } from "./hands/training.ts";
import { lockstep } from "./lockstep.ts";
import { cut, DEFAULT_TRACES, loadRecordings } from "./recordings.ts";
import { trainRiceTable } from "./rice-training.ts";
import { codec, type Scale } from "./suite.ts";

const NOWHERE = "there/is/no/such/folder";
const TINY: Scale = { warmUps: 1, passes: 1, allocationUpdates: 1, frames: 60, leaveOneOut: false, lockstepFrames: 300, hands: NOWHERE };
const NOTHING = { traces: NOWHERE, network: undefined, dump: undefined, data: undefined };
const value = (figures: readonly Figure[], id: string): number => figures.find((figure) => figure.id === id)?.value as number;

const handsRecorded = existsSync(DEFAULT_HANDS);
if (!handsRecorded) console.warn("codec bench: tests on recorded hands are skipped (needs ../shared/data/hands)");
const recorded = existsSync(DEFAULT_TRACES);
if (!recorded) console.warn("codec bench: tests on recordings are skipped (needs ../shared/data/motion)");

describe("the codec bench", () => {
  it("runs without recordings, says so, and judges no bar that is about recorded motion", () => {
    const said: string[] = [];
    const { figures, settings } = codec(NOTHING, (line) => said.push(line), TINY);
    expect(said.join("\n")).toContain("NO RECORDINGS");
    expect(said.join("\n")).toContain("NO RECORDED HANDS");
    expect(settings["motion"]).toBe("synthetic");
    const judged = figures.filter(({ bar }) => bar !== undefined).map(({ id }) => id);
    expect(judged).toEqual(["codec.encode_us", "codec.decode_us", "codec.alloc_bytes", "codec.lockstep_frames"]);
    for (const figure of figures) expect(figure.value, figure.id).toSatisfy(Number.isFinite);
    expect(value(figures, "codec.position_rms_mm")).toBeLessThan(0.51);
    expect(value(figures, "codec.rotation_rms_deg")).toBeLessThan(0.105);
  });

  it("orders the peers as everybody does: ours, keyframes, fixed, schema, JSON; at no greater error than theirs", () => {
    const { figures } = codec(NOTHING, () => undefined, TINY);
    const bytes = ["codec.bytes_per_update", "codec.keyframes_bytes", "codec.fixed_bytes", "codec.colyseus_bytes", "codec.json_bytes"].map((id) =>
      value(figures, id),
    );
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    expect(value(figures, "codec.keyframes_position_rms_mm")).toBeCloseTo(value(figures, "codec.position_rms_mm"), 1);
    expect(value(figures, "codec.keyframes_rotation_rms_deg")).toBeGreaterThan(0.08);
    expect(value(figures, "codec.fixed_rotation_rms_deg")).toBeLessThan(0.25);
  });

  it("dumps packets that decode, by their ticks alone, to the poses dumped beside them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "codec-"));
    try {
      codec({ ...NOTHING, dump: folder }, () => undefined, TINY);
      expect(readdirSync(folder)).toHaveLength(loadRecordings(NOWHERE).length * 4);
      const packets = readFileSync(join(folder, "synthetic-dance.packets"));
      const index = readFileSync(join(folder, "synthetic-dance.index.csv"), "utf8").trim().split("\n").slice(1);
      const poses = gunzipSync(readFileSync(join(folder, "synthetic-dance.csv.gz")))
        .toString()
        .trim()
        .split("\n")
        .slice(1);
      expect(index).toHaveLength(TINY.frames);
      const { tickRateHz } = JSON.parse(readFileSync(join(folder, "synthetic-dance.json"), "utf8")) as { tickRateHz: number };
      const reader = new BlockReader(new ReferenceBank(1), tickRateHz);
      const shown = newPoseSample();
      let at = 0;
      poses.forEach((row, frame) => {
        const [, tick, kind, bytes] = (index[frame] as string).split(",");
        const length = packets.readUInt16LE(at);
        expect(length).toBe(Number(bytes));
        const [from, end] = [at + 2, at + 2 + length];
        at = end;
        const outcome = kind === "intra" ? reader.intra(0, Number(tick), packets, from, end) : reader.update(0, Number(tick), packets, from, end);
        expect(outcome).toBe(Decoded.ok);
        reader.bank.readPose(reader.entry, shown.pose, shown.states);
        const numbers = row.split(",").slice(1).map(Number);
        expect(numbers).toHaveLength(POSE_FLOATS);
        numbers.forEach((number, i) => expect(number).toBeCloseTo(shown.pose[i] as number, 5));
      });
      expect(at).toBe(packets.length);
      // The same by a reader that shares no code with this, and no language.
      const other = spawnSync("python3", ["bench/tools/read_dump.py", folder], { encoding: "utf8" });
      if (other.error !== undefined) console.warn(`codec bench: the independent reader of dumps was not run (${other.error.message})`);
      else expect(other, other.stderr).toMatchObject({ status: 0, stderr: "" });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("[LS1][LS2][LS3] encoder and viewers stay equal to the bit (a million frames: npm run bench -- codec)", () => {
    for (const seed of [1, 2, 3]) expect(lockstep({ frames: 8000, seed }), `seed ${seed}`).toBe(8000);
  });

  it.skipIf(!recorded)("the committed Rice table is what training on the recordings gives (needs ../shared/data/motion)", () => {
    const people = loadRecordings(DEFAULT_TRACES).filter(({ group }) => group === "people");
    expect([...trainRiceTable(people)]).toEqual([...RICE_TABLE]);
  });

  it.skipIf(!recorded)("no recording costs more than ten bytes an update, mocap and Beat Saber thirteen (needs ../shared/data/motion)", () => {
    for (const recording of loadRecordings(DEFAULT_TRACES)) {
      const limit = recording.group === "people" ? 10 : 13;
      expect(meanBytes(encodeRecording(cut(recording, 1000))), recording.name).toBeLessThan(limit);
    }
  });

  it.skipIf(!handsRecorded)("recorded hands cost what the goal says, with the committed table (needs ../shared/data/hands)", () => {
    const recordings = loadHands(DEFAULT_HANDS);
    expect([...trainHandTable(recordings)]).toEqual([...HAND_TABLE]);
    for (const recording of recordings.filter(({ oriented }) => oriented)) {
      const { bothBytes, deg, tipMm } = measureHands(recording);
      expect(bothBytes).toBeLessThan(26);
      expect(deg).toBeLessThan(1);
      expect(tipMm).toBeLessThan(3);
    }
  });
});
