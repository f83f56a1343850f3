/**
 * Messages over a byte stream that several workers inherit one after the other: a length, and the value as V8 writes it.
 *
 * [FR1] A reader throws away everything up to its mark, 16 random bytes of one worker's: a worker that was killed leaves half a message behind,
 *       and messages that it never read.
 * [FR2] A frame longer than `FRAME_BYTES` is nothing either side ever writes: the reader stops for good, and the worker is found to hang.
 */
import { deserialize, serialize } from "node:v8";

export const MARK_BYTES = 16;
const LENGTH_BYTES = 4;
/** Batches are some hundred kilobytes at most. */
const FRAME_BYTES = 64 * 1024 * 1024;

export function frameOf(message: unknown): Buffer {
  const body = serialize(message);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.length);
  frame.writeUInt32LE(body.length);
  body.copy(frame, LENGTH_BYTES);
  return frame;
}

export class FrameReader {
  private readonly mark: Buffer;
  private readonly onMessage: (message: unknown) => void;
  private chunks: Buffer[] = [];
  private held = 0;
  /** How many bytes make sense to look at again. */
  private wanted = MARK_BYTES;
  private state: "seeking" | "reading" | "stopped" = "seeking";

  constructor(mark: Buffer, onMessage: (message: unknown) => void) {
    this.mark = mark;
    this.onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    if (this.state === "stopped") return;
    this.chunks.push(chunk);
    this.held += chunk.length;
    if (this.held < this.wanted) return;
    let bytes = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks);
    if (this.state === "seeking") bytes = this.seek(bytes);
    if (this.state === "reading") bytes = this.read(bytes);
    this.chunks = [bytes];
    this.held = bytes.length;
  }

  /** [FR1] */
  private seek(bytes: Buffer): Buffer {
    const at = bytes.indexOf(this.mark);
    if (at < 0) return bytes.subarray(Math.max(0, bytes.length - MARK_BYTES + 1));
    this.state = "reading";
    this.wanted = LENGTH_BYTES;
    return bytes.subarray(at + MARK_BYTES);
  }

  private read(bytes: Buffer): Buffer {
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt32LE(at);
      if (length > FRAME_BYTES) {
        this.state = "stopped";
        return bytes.subarray(bytes.length);
      }
      const end = at + LENGTH_BYTES + length;
      if (end > bytes.length) {
        this.wanted = end - at;
        return bytes.subarray(at);
      }
      this.onMessage(deserialize(bytes.subarray(at + LENGTH_BYTES, end)));
      at = end;
    }
    this.wanted = LENGTH_BYTES;
    return bytes.subarray(at);
  }
}
