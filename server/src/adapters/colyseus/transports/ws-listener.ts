/**
 * The `ws` transport: Node's HTTP server and the `ws` package, everywhere Node runs.
 *
 * [WS1] Headers within 5 s, a body within 10 s, 16 KiB of headers: a slow or half-open handshake costs a socket, not the server.
 * [WS2] No compression, bounded payload and fragments; ws itself bounds the pongs it owes, and control frames are counted (wire.ts).
 * [WS3] A refused upgrade is answered and cut: its socket belongs to nobody's time limits any more.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { LIMITS } from "@copresence/shared/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { clientAddress, type HttpReply, refusalReply } from "../../http/http.ts";
import { closeReason, refusal } from "../../refusal.ts";
import { type Listener, type ListenerOptions, listenFailure } from "./listener.ts";
import { readBuffer, readDirectly } from "./direct-read.ts";
import { PlainFrames } from "./plain-frames.ts";
import {
  CLOSE_GRACE_MS,
  controlGuard,
  HEARTBEAT_MS,
  MAX_WIRE_BYTES,
  probePayload,
  readProbe,
  type UpgradeAnswer,
  type Wire,
  type WireHandlers,
} from "./wire.ts";

const REQUEST_MS = 10_000;
const MAX_HEADER_BYTES = 16_384;
/** A message split into more pieces than this is an attack on reassembly, not a message. */
const MAX_FRAGMENTS = 64;

const splitUrl = (url: string): { path: string; query: URLSearchParams } => {
  const at = url.indexOf("?");
  return at < 0 ? { path: url, query: new URLSearchParams() } : { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
};

export class WsListener implements Listener {
  readonly kind = "ws";
  private readonly options: ListenerOptions;
  private readonly server: Server;
  private readonly upgrader: WebSocketServer;
  private readonly alive = new WeakSet<WebSocket>();
  private heartbeat: NodeJS.Timeout | undefined;

  constructor(options: ListenerOptions) {
    this.options = options;
    this.server = createServer({
      headersTimeout: LIMITS.handshakeMs,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: LIMITS.handshakeMs,
      noDelay: true,
      // Other upgrades are offers (h2c, which Java's client makes with every request), and answering in HTTP/1.1 declines them.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    });
    this.server.on("request", (request, response) => void this.onRequest(request, response));
    this.server.on("upgrade", (request: IncomingMessage, socket, head) => this.onUpgrade(request, socket, head));
    this.upgrader = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_WIRE_BYTES,
      maxFragments: MAX_FRAGMENTS,
      perMessageDeflate: false,
      clientTracking: true,
      closeTimeout: CLOSE_GRACE_MS,
    } as ConstructorParameters<typeof WebSocketServer>[0]);
  }

  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", (error: NodeJS.ErrnoException) => reject(listenFailure(port, host, error.code)));
      this.server.listen(port, host, () => {
        // Later errors are a connection that could not be accepted, for want of file descriptors: that one's trouble.
        this.server.on("error", ignore);
        this.heartbeat = setInterval(() => this.checkAlive(), HEARTBEAT_MS);
        this.heartbeat.unref();
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  stopListening(): void {
    this.server.close();
  }

  close(): Promise<void> {
    clearInterval(this.heartbeat);
    for (const socket of this.upgrader.clients) socket.terminate();
    this.upgrader.close();
    return new Promise((resolve) => {
      // Ends once every connection is gone; calling it again after `stopListening` only reports that it was closed.
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private addressOf(request: IncomingMessage): string {
    return clientAddress(request.socket.remoteAddress ?? "unknown", headerOf(request, "x-forwarded-for"), this.options.trustProxy);
  }

  private async onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (response.destroyed) return;
    if (body === undefined) {
      writeReply(
        response,
        refusalReply(refusal("messageTooLarge", `A request body may have ${LIMITS.bodyBytes} bytes at most.`), { connection: "close" }),
      );
      return;
    }
    const reply = await this.options.http({
      method: request.method ?? "GET",
      ...splitUrl(request.url ?? "/"),
      header: (name) => headerOf(request, name),
      address: this.addressOf(request),
      body,
    });
    if (!response.destroyed) writeReply(response, reply);
  }

  private onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until ws takes the socket over nobody else listens for its errors, and an unheard error ends the process.
    socket.on("error", () => socket.destroy());
    const address = this.addressOf(request);
    const answer = this.options.doorman.decide({ ...splitUrl(request.url ?? "/"), origin: headerOf(request, "origin"), address });
    if (!answer.accept) {
      socket.once("finish", () => socket.destroy());
      socket.end(rawReply(refusalReply(answer.refusal, { connection: "close" })));
      return;
    }
    this.complete({ request, socket, head, address, answer });
  }

  private complete(up: { request: IncomingMessage; socket: Duplex; head: Buffer; address: string; answer: UpgradeAnswer & { accept: true } }): void {
    let attached = false;
    // ws answers a broken handshake itself and closes the socket without telling us; the socket's end does.
    up.socket.once("close", () => attached || up.answer.abandon());
    this.upgrader.handleUpgrade(up.request, up.socket, up.head, (socket) => {
      attached = true;
      this.alive.add(socket);
      const control = controlGuard(() => socket.terminate());
      socket.on("ping", control);
      const handlers = up.answer.attach(wireOf(socket, up.socket, up.address));
      socket.on("pong", (payload) => {
        this.alive.add(socket);
        control();
        const probe = readProbe(payload);
        if (probe !== undefined) handlers.onProbed(probe);
      });
      bind(socket, handlers);
      if (up.head.length === 0) readPlainly(socket, up.socket, handlers);
    });
  }

  private checkAlive(): void {
    for (const socket of this.upgrader.clients) {
      if (this.alive.delete(socket)) socket.ping();
      else socket.terminate();
    }
  }
}

/** `stream` is what `socket` itself writes to. */
function wireOf(socket: WebSocket, stream: Duplex, address: string): Wire {
  return {
    address,
    get bufferedBytes() {
      return stream.writableLength;
    },
    send(bytes) {
      if (socket.readyState !== socket.OPEN) return false;
      writeFrame(stream, bytes);
      return true;
    },
    probe(probe) {
      if (socket.readyState === socket.OPEN) socket.ping(probePayload(probe), false, ignore);
    },
    close: (code, sentence) => socket.close(code, closeReason(sentence)),
    terminate: () => socket.terminate(),
  };
}

/**
 * Writes a whole unmasked binary frame (RFC 6455, 5.2). `ws` itself would write head and payload as two, and from memory allocated for
 * each send, which at 15 000 sends a second keeps the garbage collector busier than the room. Here a frame is put together in memory that
 * is used again as soon as the kernel has taken it, which is nearly always at once [WI1]; while it has not, the stream keeps what it was
 * given, and what comes after is copied into memory of its own.
 */
function writeFrame(stream: Duplex, payload: Uint8Array): void {
  const head = payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10;
  const length = head + payload.length;
  const shared = length <= SHARED_BYTES && stream.writableLength === 0;
  const frame = shared ? (sharedViews[length] ??= sharedFrame.subarray(0, length)) : Buffer.allocUnsafe(length);
  frame[0] = FINAL_BINARY;
  if (head === 2) frame[1] = payload.length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(payload.length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(payload.length, 6);
  }
  frame.set(payload, head);
  stream.write(frame);
  if (!shared || stream.writableLength === 0) return;
  sharedFrame = Buffer.allocUnsafeSlow(SHARED_BYTES);
  sharedViews = [];
}
/** More than any frame but those of a join into a crowd; small, because every socket that backs up keeps one. */
const SHARED_BYTES = 16_384;
let sharedFrame = Buffer.allocUnsafeSlow(SHARED_BYTES);
/** Its beginnings by length: frames of one length come again and again, and a view costs more than the copy into it. */
let sharedViews: (Buffer | undefined)[] = [];
const FINAL_BINARY = 0x82;

/** An error is followed by a close, which says the code. */
const ignore = (): void => {};

function bind(socket: WebSocket, handlers: WireHandlers): void {
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) handlers.onMessage(data);
    else handlers.onText();
  });
  socket.on("error", ignore);
  socket.once("close", (code) => handlers.onClosed(code));
}

/** Takes plain frames before `ws` sees them (plain-frames.ts); where `ws` does not listen as it is known to, it reads everything itself. */
function readPlainly(socket: WebSocket, stream: Duplex, handlers: WireHandlers): void {
  const [read, ...others] = stream.listeners("data") as ((chunk: Buffer) => void)[];
  if (read === undefined || others.length > 0) return;
  // After a fault `ws` no longer listens, and neither may anything be read past it here.
  let faulty = false;
  socket.once("error", () => (faulty = true));
  const frames = new PlainFrames({
    maxBytes: MAX_WIRE_BYTES,
    open: () => socket.readyState === socket.OPEN,
    onMessage: (bytes) => handlers.onMessage(bytes),
    // A copy of what was read directly: `ws` keeps what is not a whole message yet.
    pass: (bytes) => void (faulty || read.call(stream, bytes.buffer === readBuffer.buffer ? Buffer.from(bytes) : bytes)),
  });
  stream.off("data", read);
  stream.on("data", (chunk: Buffer) => frames.read(chunk));
  readDirectly(stream, (length) => frames.read(readBuffer, length));
}

const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
};

/** The body, or undefined when it is larger than allowed; the rest of a body too large is left unread and the connection closed after the reply. */
function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= LIMITS.bodyBytes) chunks.push(chunk);
      else {
        request.pause();
        resolve(undefined);
      }
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", () => resolve(new Uint8Array(0)));
  });
}

function writeReply(response: ServerResponse, reply: HttpReply): void {
  response.writeHead(reply.status, { ...reply.headers, "content-length": Buffer.byteLength(reply.body) });
  response.end(reply.body);
}

function rawReply(reply: HttpReply): string {
  const headers = Object.entries({ ...reply.headers, "content-length": String(Buffer.byteLength(reply.body)) });
  return [`HTTP/1.1 ${reply.status} Refused`, ...headers.map(([name, value]) => `${name}: ${value}`), "", String(reply.body)].join("\r\n");
}
