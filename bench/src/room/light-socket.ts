/**
 * A WebSocket client that costs little: the load driver holds hundreds of them on one core, and what it spends is not the server's.
 *
 * Sends binary or text frames with a zero mask (allowed by RFC 6455, and saves the XOR), reads unmasked frames of any length, answers pings,
 * and ignores the rest. All of them read into one buffer: with memory for every read the driver collected garbage three times a second, for
 * milliseconds that looked like late frames. Not for anything but load.
 */
import { connect, type Socket } from "node:net";

/** What is read is parsed, or copied, before the next read. */
const READ_BYTES = 65_536;
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
const BINARY = 0x82;
const TEXT = 0x81;
const PONG = 0x8a;
const CLOSE = 8;
const PING = 9;

export class LightSocket {
  /** Called with each message; the bytes are valid during the call. */
  onMessage: (bytes: Buffer) => void = () => {};
  /** Code of the close frame, 1006 without one. */
  onClosed: (code: number) => void = () => {};
  private readonly socket: Socket;
  private rest: Buffer | undefined;
  private upgraded = false;
  private closeCode = 1006;

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Connects and upgrades. */
  static open(url: string, path: string): Promise<LightSocket> {
    const { hostname, port, host } = new URL(url);
    return new Promise((resolve, reject) => {
      const callback = (length: number): boolean => {
        light.receive(readBuffer.subarray(0, length), resolve, reject);
        return true;
      };
      const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer: readBuffer, callback } });
      const light = new LightSocket(socket);
      socket.once("error", reject);
      socket.on("error", () => {});
      socket.on("close", () => light.onClosed(light.closeCode));
      socket.once("connect", () =>
        socket.write(
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        ),
      );
    });
  }

  send(payload: Uint8Array | string): void {
    const text = typeof payload === "string";
    const length = text ? Buffer.byteLength(payload) : payload.length;
    const head = length < 126 ? 6 : 8;
    const frame = Buffer.allocUnsafe(head + length);
    frame[0] = text ? TEXT : BINARY;
    if (length < 126) frame[1] = 0x80 | length;
    else {
      frame[1] = 0x80 | 126;
      frame.writeUInt16BE(length, 2);
    }
    frame.fill(0, head - 4, head);
    if (text) frame.write(payload, head);
    else frame.set(payload, head);
    this.socket.write(frame);
  }

  /** Stops reading: what comes piles up on the way. */
  pause(): void {
    this.socket.pause();
  }
  resume(): void {
    this.socket.resume();
  }
  destroy(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer, opened: (self: LightSocket) => void, failed: (error: Error) => void): void {
    let data = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
    this.rest = undefined;
    if (!this.upgraded) {
      const end = data.indexOf("\r\n\r\n");
      if (end < 0) {
        this.rest = Buffer.from(data);
        return;
      }
      if (!data.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) return failed(new Error(data.subarray(0, end).toString()));
      this.upgraded = true;
      data = data.subarray(end + 4);
      // The owner sets its handlers before what came with the answer is read.
      opened(this);
      const first = Buffer.from(data);
      if (first.length > 0) queueMicrotask(() => queueMicrotask(() => this.parse(first)));
      return;
    }
    this.parse(data);
  }

  private parse(data: Buffer): void {
    let at = 0;
    while (data.length - at >= 2) {
      let length = (data[at + 1] as number) & 0x7f;
      let head = 2;
      if (length === 126) {
        if (data.length - at < 4) break;
        length = data.readUInt16BE(at + 2);
        head = 4;
      } else if (length === 127) {
        if (data.length - at < 10) break;
        length = Number(data.readBigUInt64BE(at + 2));
        head = 10;
      }
      if (data.length - at < head + length) break;
      this.frame((data[at] as number) & 0x0f, data.subarray(at + head, at + head + length));
      at += head + length;
    }
    if (at < data.length) this.rest = Buffer.from(data.subarray(at));
  }

  private frame(opcode: number, payload: Buffer): void {
    if (opcode <= 2) this.onMessage(payload);
    else if (opcode === PING) this.socket.write(Buffer.concat([Buffer.from([PONG, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
    else if (opcode === CLOSE) {
      this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.socket.end();
    }
  }
}
