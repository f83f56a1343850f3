import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { BlockReader, BlockWriter, Decoded, Encoded, MAX_BLOCK_BYTES, newPoseSample, POSE_FLOATS, ReferenceBank } from "@copresence/shared/pose";

const folder = process.argv[2] ?? "../shared/data/motion/train";
if (!existsSync(folder)) throw new Error(`no recordings at ${folder}`);
for (const file of readdirSync(folder).filter((n) => n.endsWith(".csv.gz") && (process.argv[3] === undefined || n.includes(process.argv[3])))) {
  const rows = gunzipSync(readFileSync(`${folder}/${file}`)).toString().trim().split("\n").slice(1).map((l) => Float64Array.from(l.split(","), Number));
  const n = rows.length;
  const hz = (n - 1) / ((rows[n - 1]![0]! - rows[0]![0]!) / 1000);
  const rate = Math.round(hz);
  const writer = new BlockWriter({ capacity: 8, tickRateHz: rate });
  const bank = new ReferenceBank(8);
  const reader = new BlockReader(bank, rate);
  const out = new Uint8Array(MAX_BLOCK_BYTES);
  const s = newPoseSample(); const d = newPoseSample();
  let bytes = 0, blocks = 0, quiet = 0, posErr = 0, rotErr = 0, bad = 0, tick = 10;
  const layerBytes = [0,0,0], layerCount=[0,0,0];
  for (let i = 0; i < n; i++) {
    const row = rows[i]!;
    for (let k = 0; k < POSE_FLOATS; k++) s.pose[k] = row[k + 1]!;
    s.timeMs = row[0]! - rows[0]![0]! + 100;
    tick = Math.max(tick + 1, Math.ceil(s.timeMs / 1000 * rate));
    const r = writer.encode(3, tick, s, out, 0);
    if (r === Encoded.reset) { const end = writer.intra(3, tick, out, 0); if (reader.intra(3, tick, out, 0, end) !== Decoded.ok || reader.end !== end) bad++; console.log("intra", end); continue; }
    if (r === Encoded.quiet) { quiet++; continue; }
    bytes += writer.end; blocks++;
    layerBytes[writer.layer]! += writer.end; layerCount[writer.layer]!++;
    const got = reader.update(3, tick, out, 0, writer.end);
    if (got !== Decoded.ok || reader.end !== writer.end) { bad++; continue; }
    bank.readPose(reader.entry, d.pose, d.states);
    for (let k = 0; k < 3; k++) {
      const o = k * 7; let e = 0, dot = 0;
      for (let c = 0; c < 3; c++) e += (d.pose[o + c]! - s.pose[o + c]!) ** 2;
      for (let c = 3; c < 7; c++) dot += d.pose[o + c]! * s.pose[o + c]!;
      posErr += e; rotErr += (2 * Math.acos(Math.min(1, Math.abs(dot)))) ** 2;
    }
  }
  console.log(file, `${hz.toFixed(1)} Hz`, "B/update", (bytes / blocks).toFixed(2), "all", (bytes/n).toFixed(2), "layers", layerBytes.map((b, l) => (b / layerCount[l]!).toFixed(2)).join(" "), "n", layerCount.join(" "), "quiet", quiet, "bad", bad,
    "mm", (Math.sqrt(posErr / blocks / 3) * 1000).toFixed(4), "deg", (Math.sqrt(rotErr / blocks / 3) * 57.29578).toFixed(4));
}
