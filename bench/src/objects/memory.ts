/**
 * What an open document holds in memory: the real server in a process of its own, people outside of it.
 *
 * [OM1] `objects.memory_ratio` is resident memory, as the kernel counts it for the whole process, store and compaction threads included: with the
 *       document open, less the same server with an empty document open and somebody in it.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fillStore } from "@copresence/simulations/filled-store";
import type { Figure } from "../report.ts";
import { withMemoryServer } from "./memory-visitors.ts";

export type MemoryScale = { readonly documentBytes: number };
export const MEMORY: MemoryScale = { documentBytes: 10_000_000 };

export async function memory(scale: MemoryScale, progress: (line: string) => void): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "copresence-memory-"));
  try {
    const file = join(folder, "scenes.sqlite");
    const filled = await fillStore(file, "memory-large", scale.documentBytes);
    const small = await fillStore(file, "memory-small", 0);
    progress(`a document of ${filled.objects} notes, ${(filled.bytes / 1e6).toFixed(1)} MB encoded`);
    const empty = await withMemoryServer(file, async (server) => server.opened("memory-small"));
    const large = await withMemoryServer(file, async (server) => server.opened("memory-large"));
    const rss = (large.rssBytes - empty.rssBytes) / (filled.bytes - small.bytes);
    const held = (large.heldBytes - empty.heldBytes) / (filled.bytes - small.bytes);
    progress(`resident ${(empty.rssBytes / 1e6).toFixed(0)} -> ${(large.rssBytes / 1e6).toFixed(0)} MB`);
    return [
      { id: "objects.memory_document_mb", value: filled.bytes / 1e6, unit: "MB" },
      { id: "objects.memory_ratio", value: rss, unit: "x", bar: "<= 6", ok: rss <= 6 },
      { id: "objects.memory_held_ratio", value: held, unit: "x" },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
