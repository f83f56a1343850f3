/** The peer of ack-latency.ts: writes what it is sent to the file named by its argument, one fdatasync for all that waits, and answers. Prints its port. */
import { fdatasync, openSync, writeSync } from "node:fs";
import { WebSocketServer } from "ws";

const file = openSync(process.argv[2] ?? "", "a");
const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
const ANSWER = new Uint8Array(16);
let waiting: { readonly data: Buffer; readonly answer: () => void }[] = [];
let syncing = false;

function sync(): void {
  if (syncing || waiting.length === 0) return;
  syncing = true;
  const batch = waiting;
  waiting = [];
  writeSync(file, Buffer.concat(batch.map(({ data }) => data)));
  fdatasync(file, () => {
    syncing = false;
    for (const { answer } of batch) answer();
    sync();
  });
}

server.on("connection", (socket) => {
  socket.on("message", (data: Buffer) => {
    waiting.push({ data, answer: () => socket.send(ANSWER) });
    sync();
  });
});
server.on("listening", () => {
  const address = server.address();
  console.log(typeof address === "object" && address !== null ? address.port : "");
});
