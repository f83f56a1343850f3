/** The three servers as processes on a folder each, and how to dial a room of theirs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { devTicket } from "@copresence/client/node";
import { endWithUs, startServerProcess } from "@copresence/simulations/server-process";
import type { Dialled } from "./doc-client.ts";

export const SERVERS = ["ours", "hocuspocus", "ywebsocket"] as const;
export type ServerName = (typeof SERVERS)[number];
export type Running = {
  readonly name: ServerName;
  /** A fresh way in, for one of at most 64 people of a room. */
  dialled(room: string, person: number): Promise<Dialled>;
  /** User and system time so far, ms. */
  cpuMs(): number;
  stop(): Promise<void>;
};

const SKETCH = fileURLToPath(new URL("./sketch-scene.ts", import.meta.url));
const PEERS = {
  hocuspocus: fileURLToPath(new URL("./peers/hocuspocus.ts", import.meta.url)),
  ywebsocket: fileURLToPath(new URL("./peers/y-websocket.ts", import.meta.url)),
};
/** USER_HZ of every Linux there is. */
const TICKS_PER_S = 100;

export async function startServer(name: ServerName, folder: string): Promise<Running> {
  if (name === "ours") return startOurs(folder);
  const child = spawn(process.execPath, [PEERS[name], join(folder, `${name}.sqlite`)], { stdio: ["ignore", "pipe", "inherit"] });
  endWithUs(child);
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once("exit", () => reject(new Error(`The ${name} server did not start.`)));
  });
  const dialect = name === "hocuspocus" ? "hocuspocus" : "plain";
  return {
    name,
    dialled: async (room) => ({ url: `ws://127.0.0.1:${port}/${name === "hocuspocus" ? "" : room}`, room, dialect }),
    cpuMs: () => cpuMs(child),
    stop: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function startOurs(folder: string): Promise<Running> {
  const server = await startServerProcess({
    COPRESENCE_SCENE: SKETCH,
    COPRESENCE_SPACES: "bench-*",
    COPRESENCE_DEV_TICKETS: "1",
    COPRESENCE_PIPELINE: "process",
    COPRESENCE_STORE: join(folder, "ours.sqlite"),
  });
  // By address as the peers are: looking "localhost" up costs a millisecond that is no server's.
  const url = server.url.replace("//localhost", "//127.0.0.1");
  return {
    name: "ours",
    dialled: async (room, person) => {
      const ticket = await devTicket(url, { space: room, name: `writer ${person}`, user: `writer-${person}` });
      return { url: `${url.replace("http", "ws")}/sync/${room}?ticket=${ticket}`, room, dialect: "plain" };
    },
    cpuMs: () => cpuMs(server.process),
    stop: async () => void (await server.stop()),
  };
}

function cpuMs({ pid }: ChildProcess): number {
  // After the name in parentheses: state, ppid, ..., utime (12th), stime (13th).
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_S;
}
