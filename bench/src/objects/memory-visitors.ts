/**
 * The server of memory-server.ts, and the people who come into its spaces and leave: its memory is its own, theirs is here.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { devTicket } from "@copresence/client/node";
import { WebSocket } from "ws";
import type { FromMemoryServer, Held, ToMemoryServer } from "./memory-server.ts";

const SERVER = fileURLToPath(new URL("./memory-server.ts", import.meta.url));
/** Scenes visited at once. */
const AT_ONCE = 8;

export type MemoryServer = {
  /** Somebody is in it, and the server says what it holds. */
  opened(space: string): Promise<Held>;
  /** Comes into every space and leaves; how many the server opened. */
  visit(spaces: readonly string[]): Promise<number>;
  /** Waits until no room is open. */
  empty(): Promise<Held>;
};

export async function withMemoryServer<T>(file: string, work: (server: MemoryServer) => Promise<T>): Promise<T> {
  const child = fork(SERVER, { execArgv: ["--expose-gc"], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const tell = (message: ToMemoryServer): void => void child.send(message);
  try {
    const running = answer(child, "running");
    tell({ kind: "start", file });
    const { url } = await running;
    const measure = async (): Promise<Held> => {
      const held = answer(child, "held");
      tell({ kind: "measure" });
      return held;
    };
    return await work({
      opened: async (space) => {
        const socket = await come(url, space);
        await pause(1000);
        const held = await measure();
        socket.close();
        return held;
      },
      visit: async (spaces) => {
        let opened = 0;
        const left = [...spaces];
        const visitor = async (): Promise<void> => {
          for (let space = left.pop(); space !== undefined; space = left.pop()) {
            (await come(url, space)).close();
            opened++;
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, visitor));
        return opened;
      },
      empty: async () => {
        let held = await measure();
        while (held.rooms > 0) {
          await pause(500);
          held = await measure();
        }
        return held;
      },
    });
  } finally {
    const ended = once(child, "exit");
    if (child.exitCode === null && child.connected) {
      tell({ kind: "stop" });
      await ended;
    }
  }
}

function answer<K extends FromMemoryServer["kind"]>(child: ChildProcess, kind: K): Promise<Extract<FromMemoryServer, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error("The measured server ended."));
    const hear = (message: FromMemoryServer): void => {
      if (message.kind !== kind) return;
      child.off("message", hear);
      child.off("exit", gone);
      resolve(message as Extract<FromMemoryServer, { kind: K }>);
    };
    child.on("message", hear);
    child.once("exit", gone);
  });
}

/** A stock peer that was let in and asked what it has: its room is open. */
async function come(url: string, space: string): Promise<WebSocket> {
  const ticket = await devTicket(url, { space, name: "visitor", user: `visitor-${space}` });
  const socket = new WebSocket(`${url.replace("http", "ws")}/sync/${space}?ticket=${ticket}`);
  await once(socket, "message");
  return socket;
}
