/**
 * People for the room benches: synthetic persons (or recorded ones, each at a place of its own in a recording) on the room's own spawn places (1.6 m apart, facing the middle: 1 000 of them stand on
 * 51 m x 51 m), a quarter of whom stroll around in circles. As uplink messages, the way the SDK would send them: one sample a message.
 *
 * [CD1] The same seed, count and time give the same bytes.
 */
import { spawnRig } from "@copresence/server/core";
import { composeRig, type Rig } from "@copresence/shared/motion";
import { encodeUplinkBody, newPoseSample, POSE_FLOATS } from "@copresence/shared/pose";
import { encodeMessage } from "@copresence/shared/protocol";
import { loadTraces, STYLES, SyntheticPerson, type Trace } from "@copresence/simulations/people";
import { BadInput } from "../suite.ts";
import { hall } from "./hall.ts";

/** One in this many walks. */
const WALKERS = 4;
const WALK_RADIUS_M = 3;
const WALK_M_PER_S = 1;
/** How old a sample is when the message is made: what headsets' tracking takes. */
const SAMPLE_AGE_MS = 8;

export class CrowdMotion {
  readonly count: number;
  private readonly people: readonly { sample(timeMs: number, out: Float64Array): unknown }[];
  private readonly rigs: readonly Rig[];
  private readonly local = new Float64Array(POSE_FLOATS);
  private readonly sample = newPoseSample();
  private seq = 0;

  /** `folder`: recordings to play in place of synthetic people. */
  constructor(count: number, seed: number, folder?: string) {
    this.count = count;
    const traces = folder === undefined ? [] : recordings(folder);
    this.people = Array.from({ length: count }, (_, i) => {
      const trace = traces[i % Math.max(1, traces.length)];
      return trace === undefined
        ? new SyntheticPerson({ seed: seed + i, style: STYLES[i % STYLES.length] ?? "work" })
        : new RecordedPerson(trace, ((i * 0.618 + seed * 0.1) % 1) * trace.count);
    });
    this.rigs = Array.from({ length: count }, (_, i) => spawnRig(i, hall.bounds));
  }

  /** The pose of person `i` at room time `timeMs`, room frame. */
  pose(i: number, timeMs: number, out: Float64Array): void {
    const { local } = this;
    (this.people[i] as SyntheticPerson).sample(timeMs, local);
    if (i % WALKERS === 0) {
      const angle = (timeMs / 1000) * (WALK_M_PER_S / WALK_RADIUS_M) + i;
      for (let at = 0; at < POSE_FLOATS; at += 7) {
        local[at] = (local[at] as number) + WALK_RADIUS_M * Math.cos(angle);
        local[at + 2] = (local[at + 2] as number) + WALK_RADIUS_M * Math.sin(angle);
      }
    }
    composeRig(this.rigs[i] as Rig, local, out);
  }

  /** The whole uplink message `[17][1][fields]` of person `i` at room time `timeMs`, who got the frame of `echoTick` `echoAgeMs` ago. */
  message(i: number, timeMs: number, echoTick: number, echoAgeMs = 0): Uint8Array {
    const { sample } = this;
    const { xMm, yMm, zMm, yaw } = this.rigs[i] as Rig;
    sample.timeMs = Math.max(0, timeMs - SAMPLE_AGE_MS);
    this.pose(i, sample.timeMs, sample.pose);
    this.seq = (this.seq + 1) & 0xffff;
    return encodeMessage({
      type: "poseUp",
      seq: this.seq,
      echoTick,
      echoAgeMs,
      rig: { positionMm: [xMm, yMm, zMm], yaw, inputSeq: 0 },
      body: encodeUplinkBody([sample]),
    });
  }
}

/** Plays a recording to and fro from row `start` on, where its play space's middle is the person's spawn place. */
class RecordedPerson {
  private readonly trace: Trace;
  private readonly startMs: number;
  private readonly spanMs: number;
  private readonly x: number;
  private readonly z: number;
  private row = 0;

  constructor(trace: Trace, start: number) {
    this.trace = trace;
    this.startMs = trace.timesMs[Math.floor(start)] as number;
    this.spanMs = trace.timesMs[trace.count - 1] as number;
    this.x = middle(trace, 0);
    this.z = middle(trace, 2);
  }

  sample(timeMs: number, out: Float64Array): void {
    const { timesMs, poses, count } = this.trace;
    const phase = (this.startMs + timeMs) % (2 * this.spanMs);
    const at = phase < this.spanMs ? phase : 2 * this.spanMs - phase;
    while (this.row > 0 && (timesMs[this.row] as number) > at) this.row--;
    while (this.row < count - 2 && (timesMs[this.row + 1] as number) <= at) this.row++;
    const from = this.row * POSE_FLOATS;
    for (let i = 0; i < POSE_FLOATS; i++) out[i] = poses[from + i] as number;
    for (let d = 0; d < POSE_FLOATS; d += 7) {
      out[d] = (out[d] as number) - this.x;
      out[d + 2] = (out[d + 2] as number) - this.z;
    }
  }
}

function middle(trace: Trace, axis: number): number {
  let sum = 0;
  for (let row = 0; row < trace.count; row++) sum += trace.poses[row * POSE_FLOATS + axis] as number;
  return sum / trace.count;
}

let loaded: { readonly folder: string; readonly traces: readonly Trace[] } | undefined;
function recordings(folder: string): readonly Trace[] {
  if (loaded?.folder === folder) return loaded.traces;
  const traces = loadTraces(folder);
  if (!traces.ok) throw new BadInput(traces.error.sentence);
  loaded = { folder, traces: traces.value };
  return traces.value;
}
