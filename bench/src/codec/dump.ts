/**
 * What `--dump DIR` leaves behind per recording, so that anybody can check bits and error without this code:
 *
 * - `<name>.packets`: per row of the recording u16 (little endian) length and so many bytes: an update block, or in the first row an intra
 *   block; length 0 where nothing was sent;
 * - `<name>.csv.gz`: the decoded poses in the recordings' format, row for row. `t_ms` is the recording's; what a viewer is told differs from it
 *   by at most half a time unit;
 * - `<name>.index.csv`: per row the tick that the frame would carry, the kind (t0, t1, t2, intra, quiet), the bytes, and the sample time a
 *   viewer is told, both by the recording's clock and as the room's time;
 * - `<name>.json`: what a reader must know besides shared/PROTOCOL.md: the room's tick rate.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DEVICES } from "@copresence/shared/pose";
import { type Encoding, KIND_NAMES, START_MS } from "./encoding.ts";
import { POSE_FLOATS, type Recording } from "./recordings.ts";

const PARTS = ["x", "y", "z", "qx", "qy", "qz", "qw"];
const HEADER = ["t_ms", ...DEVICES.flatMap((device) => PARTS.map((part) => `${device}_${part}`))].join(",");
/** Micrometres; the quaternions' last digit is a ten-thousandth of a degree. */
const DIGITS = 6;

export function dumpRecording(
  folder: string,
  recording: Recording,
  encoding: Encoding,
  decoded: { poses: Float64Array; timesMs: Float64Array },
): void {
  mkdirSync(folder, { recursive: true });
  const file = (suffix: string): string => join(folder, `${recording.name}.${suffix}`);
  writeFileSync(file("packets"), packets(encoding));
  const rows = [HEADER];
  const index = ["row,tick,kind,bytes,sample_ms,room_ms"];
  for (let frame = 0; frame < recording.frames; frame++) {
    const numbers = Array.from(decoded.poses.subarray(frame * POSE_FLOATS, (frame + 1) * POSE_FLOATS), (value) => value.toFixed(DIGITS));
    rows.push(`${Number((recording.startMs + (recording.timesMs[frame] as number)).toFixed(DIGITS))},${numbers.join(",")}`);
    const kind = KIND_NAMES[encoding.kinds[frame] as number];
    const toldMs = decoded.timesMs[frame] as number;
    const times = [recording.startMs + toldMs, START_MS + toldMs].map((ms) => ms.toFixed(3));
    index.push([frame, encoding.ticks[frame], kind, encoding.lengths[frame], ...times].join(","));
  }
  writeFileSync(file("csv.gz"), gzipSync(`${rows.join("\n")}\n`));
  writeFileSync(file("index.csv"), `${index.join("\n")}\n`);
  writeFileSync(file("json"), `${JSON.stringify({ tickRateHz: encoding.tickRateHz, frames: recording.frames, format: "shared/PROTOCOL.md" })}\n`);
}

function packets({ lengths, bytes }: Encoding): Uint8Array {
  const out = new Uint8Array(bytes.length + 2 * lengths.length);
  let from = 0;
  let to = 0;
  for (const length of lengths) {
    out[to++] = length & 0xff;
    out[to++] = length >> 8;
    out.set(bytes.subarray(from, from + length), to);
    from += length;
    to += length;
  }
  return out;
}
