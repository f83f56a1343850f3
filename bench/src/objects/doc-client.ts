/**
 * A Yjs peer reduced to its socket: sends ready-made updates and notes what arrives, so that the driver costs little and the same with every
 * server. y-protocols' framing; Hocuspocus puts the document's name before each message and wants a token first.
 */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebSocket } from "ws";
import * as Y from "yjs";

export type Dialect = "plain" | "hocuspocus";
export type Dialled = { readonly url: string; readonly room: string; readonly dialect: Dialect };
export type DocClient = {
  send(update: Uint8Array): void;
  close(): void;
  /** Why the server sent it away; undefined while it is there. */
  readonly sentAway: () => string | undefined;
};

const [SYNC, AUTH] = [0, 2];

/**
 * Resolves when the server's document is here, after `onState` was told. `onUpdate` hears of everybody's later edits; the bytes are ours.
 * Rejects when the server sends the client away before that; later, `onUpdate` simply falls silent.
 */
export function dial(
  { url, room, dialect }: Dialled,
  onState: (state: Uint8Array) => void = () => undefined,
  onUpdate: (update: Uint8Array) => void = () => undefined,
): Promise<DocClient> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const frame = (write: (encoder: encoding.Encoder) => void): Uint8Array =>
    encoding.encode((encoder) => {
      if (dialect === "hocuspocus") encoding.writeVarString(encoder, room);
      write(encoder);
    });
  const sync = (step: number, bytes: Uint8Array): Uint8Array =>
    frame((encoder) => {
      encoding.writeVarUint(encoder, SYNC);
      encoding.writeVarUint(encoder, step);
      encoding.writeVarUint8Array(encoder, bytes);
    });
  let sentAway: string | undefined;
  const client: DocClient = { send: (update) => socket.send(sync(2, update)), close: () => socket.close(), sentAway: () => sentAway };
  let here = false;
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", (code, reason) => {
      sentAway = `The server closed the connection (${code} ${String(reason)}).`;
      reject(new Error(sentAway));
    });
    socket.on("open", () => {
      if (dialect === "hocuspocus") {
        socket.send(
          frame((encoder) => {
            encoding.writeVarUint(encoder, AUTH);
            encoding.writeVarUint(encoder, 0);
            encoding.writeVarString(encoder, "anybody");
            encoding.writeVarString(encoder, "4.8.0");
          }),
        );
      }
      socket.send(sync(0, Y.encodeStateVector(new Y.Doc())));
    });
    socket.on("message", (data: ArrayBuffer) => {
      const decoder = decoding.createDecoder(new Uint8Array(data));
      if (dialect === "hocuspocus") decoding.readVarString(decoder);
      if (decoding.readVarUint(decoder) !== SYNC) return;
      const step = decoding.readVarUint(decoder);
      const bytes = decoding.readVarUint8Array(decoder);
      if (step === 0) return socket.send(sync(1, new Uint8Array([0, 0])));
      if (step === 2) return onUpdate(bytes);
      if (here) return onUpdate(bytes);
      here = true;
      onState(bytes);
      resolve(client);
    });
  });
}
