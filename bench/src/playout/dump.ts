/**
 * What `--dump DIR` leaves behind, so that anybody can check the figures without this code: for every network and recording
 *
 * - `<network>.<recording>.frames.csv.gz`: `t_ms`, then 21 numbers each for the truth, for what playout showed, and for what fixed
 *   interpolation showed (`true_head_x` ... `fixed_right_qw`), a row per displayed frame;
 * - `<network>.<recording>.arrivals.csv.gz`: `t_ms` (true arrival), `arrival_ms` (by the viewer's clock), `sample_ms` (as stamped), then the
 *   21 numbers of the sample, a row per arrival.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DEVICES, type PoseSample } from "@copresence/shared/pose";

const AXES = ["x", "y", "z", "qx", "qy", "qz", "qw"];
const columns = (prefix: string): string[] => DEVICES.flatMap((device) => AXES.map((axis) => `${prefix}${device}_${axis}`));
/** Micrometres, and a ten-thousandth of a degree. */
const DIGITS = 6;
const numbers = (values: Float64Array): string => Array.from(values, (value) => value.toFixed(DIGITS)).join(",");

export class Dump {
  private readonly folder: string;
  private frames: string[] = [];
  private arrivals: string[] = [];

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  begin(): void {
    this.frames = [["t_ms", ...columns("true_"), ...columns("shown_"), ...columns("fixed_")].join(",")];
    this.arrivals = [["t_ms", "arrival_ms", "sample_ms", ...columns("")].join(",")];
  }

  frame(nowMs: number, truth: Float64Array, shown: Float64Array, fixed: Float64Array): void {
    this.frames.push(`${nowMs.toFixed(3)},${numbers(truth)},${numbers(shown)},${numbers(fixed)}`);
  }

  arrival(nowMs: number, arrivalMs: number, sample: PoseSample): void {
    this.arrivals.push(`${nowMs.toFixed(3)},${arrivalMs.toFixed(3)},${sample.timeMs.toFixed(3)},${numbers(sample.pose)}`);
  }

  write(network: string, recording: string): void {
    for (const [kind, rows] of [
      ["frames", this.frames],
      ["arrivals", this.arrivals],
    ] as const) {
      writeFileSync(join(this.folder, `${network}.${recording}.${kind}.csv.gz`), gzipSync(`${rows.join("\n")}\n`));
    }
  }
}
