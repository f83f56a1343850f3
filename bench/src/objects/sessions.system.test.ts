import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readRecordings } from "./recordings.ts";
import { replay } from "./replay.ts";
import { startServer } from "./servers.ts";

const DATA = "../shared/data/editing";
const EDITS = 700;

it("[RP2] the beginnings of all recorded editing sessions, replayed at once by concurrent peers, end exactly as they should", async () => {
  const recordings = readRecordings(DATA, EDITS);
  if (recordings.length === 0) return console.warn(`No recorded editing sessions in ${DATA}: nothing was replayed.`);
  const folder = await mkdtemp(join(tmpdir(), "copresence-sessions-"));
  const server = await startServer("ours", folder);
  try {
    const figures = await replay(server, recordings, () => undefined);
    expect(figures.find(({ id }) => id === "objects.sessions_edits")?.value).toBeGreaterThan(5 * EDITS);
    expect(figures.find(({ id }) => id === "objects.sessions_wrong")?.value).toBe(0);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
