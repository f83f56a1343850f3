/** The `ws` set-up that the peers share, the same as the product's: no compression, TCP_NODELAY, binary frames. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** Listens on a free port of this machine; `onSocket` gets every accepted connection. */
export async function listenWs(onSocket: (socket: WebSocket) => void): Promise<string> {
  const http = createServer({ noDelay: true });
  const upgrader = new WebSocketServer({ server: http, perMessageDeflate: false });
  upgrader.on("connection", (socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => {
    http.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

/** Calls `run` at absolute deadlines, so that the rate does not drift; a late process skips. */
export function every(hz: number, run: () => void): void {
  const startMs = performance.now();
  let n = 0;
  const arm = (): void => {
    n = Math.max(n + 1, Math.floor(((performance.now() - startMs) * hz) / 1000));
    setTimeout(
      () => {
        run();
        arm();
      },
      Math.max(0, startMs + (n * 1000) / hz - performance.now()),
    );
  };
  arm();
}
