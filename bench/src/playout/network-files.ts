/**
 * Recorded networks and published profiles from a folder of anybody's, each file (gzipped or not) by what its first line says it is:
 *
 * - only numbers: mahimahi's delivery opportunities, ms, rising; `NAME.up` and `NAME.down` together, or one file for both directions;
 * - `t_ms,one_way_delay_ms`: one-way delays at even steps; `..,latency_ms`: round trips of video frames, in order;
 * - `..ping_avg_ms,ping_min_ms,..,ping_sd_ms,ping_loss_pct`: pings; `time,size,direction`: packets of others on the link (s, bytes);
 * - `*.json` with `profiles`: published profiles ({name, source?, delay_ms or up_/down_delay_ms, delay_kind?, jitter_ms?, up_/down_kbps, loss_pct}).
 *
 * [NF1] A file that is none of these, and a profile that cannot carry poses, is named as left out; a broken line of one that is stops the run
 *       with file and line.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readMaybeGzipped } from "@copresence/simulations/people";
import { BadInput } from "../suite.ts";
import { loaded, mahimahi, type Network, type Path, pings, published, series, VIDEO_FRAME_MS } from "./networks.ts";

/** What the figures call the recordings they were always taken on; another is called by its file's name. */
const IDS: Readonly<Record<string, string>> = {
  "mahimahi_ATT-LTE-driving-2016": "att-lte-driving",
  "mahimahi_Verizon-LTE-short": "verizon-lte",
  delay_starlink_leocc_10ms: "starlink",
  ping_5g_lte_ireland: "ireland-5g",
  "latency_visionpro_wired-mono": "visionpro-wired",
  "latency_visionpro_wireless-mono": "visionpro-wireless",
  traffic_questset_sample: "questset",
};
/** A frame or an uplink message with its headers, sixty times a second. */
const LEAST_KBPS = 100;
/** The room refuses samples older than a second. */
const MOST_DELAY_MS = 900;

type Table = { readonly file: string; readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] };

/** Everything in `folder` that is a network. `say` hears what was left out. Throws BadInput. */
export function networksIn(folder: string, say: (line: string) => void): Network[] {
  const networks: Network[] = [];
  const queues = new Map<string, { up?: Float64Array; down?: Float64Array }>();
  for (const name of readdirSync(folder).sort()) {
    if (/^readme|\.md$/i.test(name)) continue;
    const file = join(folder, name);
    if (/\.json(\.gz)?$/.test(name)) networks.push(...profiles(file, say));
    else if (/\.(gz|csv|up|down|txt|trace)$/.test(name)) {
      const stem = name.replace(/(\.(gz|csv|txt|trace))+$/, "");
      const direction = /\.(up|down)$/.exec(stem)?.[1];
      const text = readMaybeGzipped(file);
      if (/^\d+(\.\d+)?\r?$/.test(text.slice(0, 40).split("\n")[0] as string)) {
        const base = stem.replace(/\.(up|down)$/, "");
        const queue = queues.get(base) ?? {};
        const times = opportunities(file, text);
        if (direction !== "down") queue.up = times;
        if (direction !== "up") queue.down = times;
        queues.set(base, queue);
        continue;
      }
      const network = fromTable(IDS[stem] ?? stem, tableOf(file, text));
      if (network === undefined) say(`LEFT OUT ${file}: no recording of a network that bench/README.md knows.`);
      else networks.push(network);
    } else say(`LEFT OUT ${file}: no recording of a network that bench/README.md knows.`);
  }
  for (const [base, { up, down }] of queues) {
    const [ups, downs] = [up ?? down, down ?? up];
    if (ups !== undefined && downs !== undefined) networks.push(mahimahi(IDS[base] ?? base, ups, downs));
  }
  return networks;
}

function opportunities(file: string, text: string): Float64Array {
  const times = Float64Array.from(text.trim().split("\n"), Number);
  const wrong = times.findIndex((time, i) => !(time >= (times[i - 1] ?? 0)));
  if (wrong !== -1) throw new BadInput(`${file}:${wrong + 1}: no time in ms that is at or after the one before.`);
  // Nothing would ever leave.
  if (!((times.at(-1) as number) > 0)) throw new BadInput(`${file}: all delivery opportunities are at 0 ms.`);
  return times;
}

function tableOf(file: string, text: string): Table {
  const [header = [], ...rows] = text
    .trim()
    .split("\n")
    .map((line) => line.replace(/\r$/, "").split(","));
  return { file, header, rows };
}

/** The column's numbers. Throws BadInput where one is not a number or below 0. */
function numbers({ file, header, rows }: Table, name: string): Float64Array {
  const column = header.indexOf(name);
  const values = Float64Array.from(rows, (row) => ((row[column] ?? "").trim() === "" ? Number.NaN : Number(row[column])));
  const wrong = values.findIndex((value) => !(Number.isFinite(value) && value >= 0));
  if (wrong !== -1) throw new BadInput(`${file}:${wrong + 2}: ${name} is "${rows[wrong]?.[column] ?? ""}", not a number from 0 on.`);
  if (values.length < 2) throw new BadInput(`${file}: fewer than two rows.`);
  return values;
}

function fromTable(id: string, table: Table): Network | undefined {
  const has = (...names: string[]): boolean => names.every((name) => table.header.includes(name));
  if (has("t_ms", "one_way_delay_ms")) {
    const times = numbers(table, "t_ms");
    const stepMs = ((times.at(-1) as number) - (times[0] as number)) / (times.length - 1);
    if (!(stepMs > 0)) throw new BadInput(`${table.file}: t_ms does not rise.`);
    return series(id, numbers(table, "one_way_delay_ms"), stepMs);
  }
  if (has("latency_ms"))
    return series(
      id,
      numbers(table, "latency_ms").map((ms) => ms / 2),
      VIDEO_FRAME_MS,
    );
  if (has("ping_avg_ms", "ping_min_ms", "ping_sd_ms", "ping_loss_pct")) return pings(id, pingRows(table));
  if (has("time", "size")) {
    const bytes = numbers(table, "size");
    return loaded(
      id,
      Array.from(numbers(table, "time"), (seconds, i) => ({ atMs: seconds * 1000, bytes: bytes[i] as number })),
    );
  }
  return undefined;
}

/** Rows without an answer are kept by the probe with empty times, and left out here. */
function pingRows(table: Table): { avg: number; min: number; sd: number; loss: number }[] {
  const at = (row: readonly string[], name: string): number => Number(row[table.header.indexOf(name)]);
  const rows = table.rows
    .map((row) => ({ avg: at(row, "ping_avg_ms"), min: at(row, "ping_min_ms"), sd: at(row, "ping_sd_ms"), loss: at(row, "ping_loss_pct") / 100 }))
    .filter(({ avg, min, sd, loss }) => avg > 0 && min > 0 && avg >= min && Number.isFinite(sd + loss));
  if (rows.length === 0) throw new BadInput(`${table.file}: no row with an answered ping.`);
  return rows;
}

function profiles(file: string, say: (line: string) => void): Network[] {
  let json: unknown;
  try {
    json = JSON.parse(readMaybeGzipped(file));
  } catch (cause) {
    throw new BadInput(`${file}: ${cause instanceof Error ? cause.message : "no JSON"}.`);
  }
  const list = (json as { profiles?: unknown } | null)?.profiles;
  if (!Array.isArray(list)) {
    say(`LEFT OUT ${file}: no list of profiles.`);
    return [];
  }
  const left: string[] = [];
  const networks = list.flatMap((one: Readonly<Record<string, unknown>>) => {
    const name = [one["source"], one["name"]].filter((part) => typeof part === "string").join(" ");
    const network = profileOf(
      name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/-$/, ""),
      one,
    );
    if (network === undefined) left.push(name);
    return network ?? [];
  });
  if (left.length > 0)
    say(`LEFT OUT of ${file}, slower than ${LEAST_KBPS} kbit/s, over ${MOST_DELAY_MS} ms, or no delay of packets: ${left.join(", ")}`);
  return networks;
}

function profileOf(id: string, profile: Readonly<Record<string, unknown>>): Network | undefined {
  const number = (name: string): number | undefined => (typeof profile[name] === "number" ? profile[name] : undefined);
  const kind = String(profile["delay_kind"] ?? "");
  if (kind.includes("request")) return undefined;
  // "Added latency" is taken for one way, which is the harder reading.
  const shared = number("delay_ms");
  const oneWay = shared === undefined ? undefined : kind.includes("round trip") ? shared / 2 : shared;
  const path = (way: "up" | "down"): Path | undefined => {
    const delayMs = number(`${way}_delay_ms`) ?? oneWay;
    const kbps = number(`${way}_kbps`);
    if (delayMs === undefined || delayMs > MOST_DELAY_MS || (kbps ?? LEAST_KBPS) < LEAST_KBPS) return undefined;
    return { delayMs, jitterMs: number("jitter_ms") ?? 0, kbps, loss: (number("loss_pct") ?? 0) / 100 };
  };
  const [up, down] = [path("up"), path("down")];
  return up === undefined || down === undefined ? undefined : published(id, up, down);
}
