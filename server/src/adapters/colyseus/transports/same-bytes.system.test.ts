/** The same frames and messages reach a client, and a room, byte by byte the same whichever transport carries them (issue 3, part 1). */
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { noise, openScripted, script } from "../../testing/scripted-wire.ts";
import { startUnderLoader, whyNot } from "../../testing/test-server.ts";
import { MAX_WIRE_BYTES } from "./wire.ts";
import { uwsLoadsHere } from "./trixie-loader.ts";

const CHILD = fileURLToPath(new URL("../../testing/scripted-wire-process.ts", import.meta.url));
/** What a client sends, to come back: around where a frame's head grows, and the largest that transports take. */
const UP = [0, 1, 125, 126, 127, 65_535, 65_536, MAX_WIRE_BYTES].map(noise);
const expected = script();
const cleanups: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(cleanups.map((cleanup) => cleanup())));

async function start(transport: "ws" | "uws"): Promise<string> {
  if (transport === "uws" && !(await uwsLoadsHere())) {
    const { url, stop } = await startUnderLoader(CHILD);
    cleanups.push(stop);
    return url;
  }
  const { listener, port } = await openScripted(transport);
  cleanups.push(() => listener.close());
  return `http://127.0.0.1:${port}`;
}

/** The script as it arrives, then what comes back of `UP`, which is sent before the script is through. */
function listen(url: string): Promise<Buffer[]> {
  const socket = new WebSocket(url.replace("http", "ws"));
  const got: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on("open", () => UP.forEach((bytes) => socket.send(bytes)));
    socket.on("error", reject);
    socket.on("close", (code) => reject(new Error(`closed with ${code} after ${got.length} messages`)));
    socket.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) return reject(new Error("a text message"));
      got.push(data);
      if (got.length < expected.length + UP.length) return;
      socket.removeAllListeners("close");
      socket.terminate();
      resolve(got);
    });
  });
}

for (const transport of ["ws", "uws"] as const) {
  const reason = await whyNot(transport);
  if (reason !== undefined) console.warn(`the bytes of ${transport} are not compared here: ${reason}`);

  it.skipIf(reason !== undefined)(`${transport}: delivers what a room sends, and what a client sends, byte by byte and in order`, async () => {
    // Frames, chat, roster: a script that says nothing would prove nothing.
    expect(new Set(expected.slice(0, -11).map((bytes) => bytes[1])).size).toBeGreaterThanOrEqual(3);
    const got = await listen(await start(transport));
    const wanted = [...expected, ...UP];
    expect(got.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
    expect(got.findIndex((bytes, i) => !bytes.equals(wanted[i] as Uint8Array))).toBe(-1);
  });
}
