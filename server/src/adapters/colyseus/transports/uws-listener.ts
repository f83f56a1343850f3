/**
 * The uWebSockets.js transport, where its binary loads (glibc >= 2.38 on Linux). Same contract as the `ws` one, less server CPU per send.
 *
 * [UW1] Requests and sockets of uWS are only valid during their callbacks: everything needed later is copied there.
 * [UW2] No answer leaves after the peer has gone (`onAborted`): uWS would end the process.
 * [UW3] Backpressure is the governor's business; `maxBackpressure` is only a last line, and crossing it closes the socket.
 */
import { createServer } from "node:net";
import { LIMITS } from "@copresence/shared/protocol";
import type { HttpRequest as UwsRequest, HttpResponse as UwsResponse, TemplatedApp, us_listen_socket, WebSocket } from "uWebSockets.js";
import { clientAddress, type HttpReply, refusalReply } from "../../http/http.ts";
import { closeReason, refusal } from "../../refusal.ts";
import { type Listener, type ListenerOptions, listenFailure } from "./listener.ts";
import { controlGuard, HEARTBEAT_MS, MAX_WIRE_BYTES, probePayload, readProbe, type UpgradeAnswer, type Wire, type WireHandlers } from "./wire.ts";

type Uws = typeof import("uWebSockets.js");
type SocketData = {
  readonly answer: UpgradeAnswer & { accept: true };
  readonly address: string;
  handlers: WireHandlers | undefined;
  control: () => void;
  /** uWS throws on any use of a closed socket. */
  closed: boolean;
};

/** Above the largest single message (a whole document on join); the governor closes long before. */
const MAX_BACKPRESSURE = LIMITS.syncDownBytes * 2;
const LISTEN_EXCLUSIVE = 1;

export class UwsListener implements Listener {
  readonly kind = "uws";
  private readonly uws: Uws;
  private readonly options: ListenerOptions;
  private readonly app: TemplatedApp;
  private listening: us_listen_socket | undefined;

  constructor(uws: Uws, options: ListenerOptions) {
    this.uws = uws;
    this.options = options;
    this.app = uws.App();
    this.app.ws<SocketData>("/*", {
      maxPayloadLength: MAX_WIRE_BYTES,
      maxBackpressure: MAX_BACKPRESSURE,
      closeOnBackpressureLimit: 1,
      compression: uws.DISABLED,
      // uWS pings by itself, early enough that a living peer's pong comes before the timeout.
      idleTimeout: (HEARTBEAT_MS * 2) / 1000,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => this.onUpgrade(response, request, context),
      open: (socket) => {
        const data = socket.getUserData();
        data.control = controlGuard(() => data.closed || socket.close());
        data.handlers = data.answer.attach(wireOf(socket, data));
      },
      ping: (socket) => socket.getUserData().control(),
      pong: (socket, payload) => {
        const { control, handlers } = socket.getUserData();
        control();
        const probe = readProbe(new Uint8Array(payload));
        if (probe !== undefined) handlers?.onProbed(probe);
      },
      message: (socket, message, isBinary) => {
        const { handlers } = socket.getUserData();
        if (isBinary) handlers?.onMessage(new Uint8Array(message));
        else handlers?.onText();
      },
      close: (socket, code) => {
        const data = socket.getUserData();
        data.closed = true;
        // Not from inside `end` or `close`, where uWS calls this synchronously: a wire's owner is told after its own call returned.
        queueMicrotask(() => data.handlers?.onClosed(code));
      },
    });
    this.app.any("/*", (response, request) => this.onRequest(response, request));
  }

  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const onListening = (socket: us_listen_socket | false): void => {
        if (socket === false) return void whyNotListening(port, host).then((code) => reject(listenFailure(port, host, code)));
        this.listening = socket;
        resolve(this.uws.us_socket_local_port(socket as unknown as Parameters<Uws["us_socket_local_port"]>[0]));
      };
      // The four-argument form is not in the typings. Without `exclusive` Linux lets two servers share the port silently.
      const app = this.app as unknown as { listen(host: string, port: number, options: number, done: typeof onListening): void };
      app.listen(host, port, LISTEN_EXCLUSIVE, onListening);
    });
  }

  stopListening(): void {
    if (this.listening !== undefined) this.uws.us_listen_socket_close(this.listening);
    this.listening = undefined;
  }

  close(): Promise<void> {
    this.stopListening();
    this.app.close();
    return Promise.resolve();
  }

  private onUpgrade(
    response: UwsResponse,
    request: UwsRequest,
    context: Parameters<NonNullable<Parameters<TemplatedApp["ws"]>[1]["upgrade"]>>[2],
  ): void {
    const address = this.addressOf(response, request);
    const origin = request.getHeader("origin") || undefined;
    const answer = this.options.doorman.decide({ path: request.getUrl(), query: new URLSearchParams(request.getQuery()), origin, address });
    if (!answer.accept) return writeReply(response, refusalReply(answer.refusal, { connection: "close" }));
    const data: SocketData = { answer, address, handlers: undefined, control: () => {}, closed: false };
    response.upgrade(
      data,
      request.getHeader("sec-websocket-key"),
      request.getHeader("sec-websocket-protocol"),
      request.getHeader("sec-websocket-extensions"),
      context,
    );
  }

  private onRequest(response: UwsResponse, request: UwsRequest): void {
    const headers = new Map<string, string>();
    request.forEach((name, value) => headers.set(name, value));
    const head = {
      method: request.getCaseSensitiveMethod(),
      path: request.getUrl(),
      query: new URLSearchParams(request.getQuery()),
      header: (name: string) => headers.get(name),
      address: this.addressOf(response, request),
    };
    let gone = false;
    response.onAborted(() => {
      gone = true;
    });
    const answer = (reply: HttpReply): void => {
      if (!gone) response.cork(() => writeReply(response, reply, head.method === "HEAD"));
    };
    const chunks: Buffer[] = [];
    let length = 0;
    response.onData((chunk, isLast) => {
      if (gone || length > LIMITS.bodyBytes) return;
      length += chunk.byteLength;
      if (length > LIMITS.bodyBytes) {
        answer(refusalReply(refusal("messageTooLarge", `A request body may have ${LIMITS.bodyBytes} bytes at most.`), { connection: "close" }));
        gone = true;
        return;
      }
      chunks.push(Buffer.from(chunk.slice(0)));
      if (isLast) void Promise.resolve(this.options.http({ ...head, body: Buffer.concat(chunks) })).then(answer);
    });
  }

  private addressOf(response: UwsResponse, request: UwsRequest): string {
    const socketAddress = Buffer.from(response.getRemoteAddressAsText()).toString();
    if (!this.options.trustProxy) return socketAddress;
    // `getHeader` gives the first line of that name, which is the client's own word where a proxy adds its line behind it.
    const forwarded: string[] = [];
    request.forEach((name, value) => {
      if (name === "x-forwarded-for") forwarded.push(value);
    });
    return clientAddress(socketAddress, forwarded.join(",") || undefined, true);
  }
}

/** uWS says only that it failed. Node says why, unless what was in the way has gone meanwhile. */
function whyNotListening(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}

function wireOf(socket: WebSocket<SocketData>, data: SocketData): Wire {
  const DROPPED = 2;
  return {
    address: data.address,
    get bufferedBytes() {
      return data.closed ? 0 : socket.getBufferedAmount();
    },
    send(bytes) {
      // Written or copied before it returns [WI1]; the status says whether it was thrown away.
      return !data.closed && socket.send(bytes, true, false) !== DROPPED;
    },
    probe(probe) {
      if (!data.closed) socket.ping(probePayload(probe));
    },
    close(code, sentence) {
      if (!data.closed) socket.end(code, closeReason(sentence));
    },
    terminate() {
      if (!data.closed) socket.close();
    },
  };
}

function writeReply(response: UwsResponse, reply: HttpReply, headOnly = false): void {
  response.writeStatus(`${reply.status} ${reply.status < 400 ? "OK" : "Refused"}`);
  // uWS writes content-length and connection itself.
  for (const [name, value] of Object.entries(reply.headers)) if (name !== "connection") response.writeHeader(name, value);
  const closes = reply.headers["connection"] === "close";
  if (headOnly) response.endWithoutBody(Buffer.byteLength(reply.body), closes);
  else response.end(reply.body, closes);
}
