/**
 * The raw limit: what remains when the room is taken away. Receives the same uplink messages and drops them, answers pings; on every tick
 * copies a frame of the size the room sent into a fresh buffer for each viewer, and sends it: one memcpy and one send of `ws`.
 */
import { messageId } from "@copresence/shared/protocol";
import type { WebSocket } from "ws";
import { serve } from "../child.ts";
import { every, listenWs } from "./sockets.ts";

const PING = messageId("ping");
/** Bytes of a `pong`. */
const PONG_BYTES = 20;
const viewers = new Set<WebSocket>();
const ignore = (): void => {};

serve({
  open: ({ tickRateHz, frameBytes }: { readonly tickRateHz: number; readonly frameBytes: number }) => {
    const frame = new Uint8Array(frameBytes).fill(7);
    every(tickRateHz, () => {
      for (const socket of viewers) socket.send(Buffer.from(frame), { binary: true, compress: false }, ignore);
    });
    return listenWs((socket) => {
      viewers.add(socket);
      socket.on("message", (data: Buffer) => {
        if (data[1] === PING) socket.send(Buffer.alloc(PONG_BYTES), { binary: true, compress: false }, ignore);
      });
      socket.on("close", () => viewers.delete(socket));
    });
  },
});
