/**
 * A relay as networked-aframe's servers are: every client broadcasts its entities as JSON, the server reads the envelope, writes it once,
 * and sends it to each of the others as it comes. Favours the peer: plain WebSockets in place of socket.io's framing.
 */
import type { WebSocket } from "ws";
import { serve } from "../child.ts";
import { listenWs } from "./sockets.ts";

const room = new Set<WebSocket>();
const ignore = (): void => {};

serve({
  open: () =>
    listenWs((socket) => {
      room.add(socket);
      socket.on("close", () => room.delete(socket));
      socket.on("message", (data: Buffer) => {
        const { from, dataType, data: entities } = JSON.parse(data.toString()) as { from: string; dataType: string; data: unknown };
        const out = JSON.stringify({ from, dataType, data: entities });
        for (const other of room) if (other !== socket) other.send(out, ignore);
      });
    }),
});
