/**
 * A shortcut in front of `ws` for what nearly every message is: one whole, masked, unfragmented binary frame (RFC 6455, 5.2) that arrived in
 * one piece. `ws` reads everything else: control frames, text, fragments, frames split over reads, frames that are too long or wrong in any
 * way. At 15 000 messages a second its stream machinery costs as much as the room itself.
 *
 * [PF1] Bytes are either delivered here or given to `ws` in order, each exactly once; `ws` is given whole frames, or the beginning of one
 *       and then its rest, so it never sees a frame's middle as a beginning.
 * [PF2] Whatever is not plainly such a frame is not judged here.
 * [PF3] Where a frame's very header is split over two reads, `ws` reads that socket from there on.
 */
import { readBuffer, readView } from "./direct-read.ts";

const FINAL_BINARY = 0x82;
const FINAL = 0x80;
const MASKED = 0x80;
const OPCODES = 0x0f;
const CONTINUATION = 0;
const CONTROL = 8;
const MASK_BYTES = 4;

export type PlainFramesOptions = {
  /** Longer frames are for `ws` to refuse. */
  readonly maxBytes: number;
  /** False once the socket is closing: then everything is for `ws`. */
  readonly open: () => boolean;
  /** A message, valid during the call: a view into the chunk, unmasked in place, as `ws` does it. */
  readonly onMessage: (bytes: Uint8Array) => void;
  /** What `ws` is to read, a view into the chunk. */
  readonly pass: (bytes: Buffer) => void;
};

export class PlainFrames {
  private readonly options: PlainFramesOptions;
  /** Bytes still to come of the frame that `ws` is reading. */
  private rest = 0;
  /** A fragmented message is under way: whatever comes in between is `ws`'s to judge. */
  private fragmented = false;
  private lost = false;

  constructor(options: PlainFramesOptions) {
    this.options = options;
  }

  /** Takes what was read from the socket, the first `end` bytes of `chunk`; may be written to. */
  read(chunk: Buffer, end = chunk.length): void {
    const { pass } = this.options;
    if (this.lost) return pass(chunk.subarray(0, end));
    /** Where what `ws` is to read next begins. */
    let from = 0;
    let at = Math.min(this.rest, end);
    this.rest -= at;
    while (at < end) {
      const length = frameBytes(chunk, at, end);
      if (length === 0) {
        this.lost = true;
        break;
      }
      if (this.isPlain(chunk, at, length, end)) {
        if (at > from) pass(chunk.subarray(from, at));
        // What was passed may have ended the session.
        if (this.options.open()) {
          at = this.deliver(chunk, at, length);
          from = at;
          continue;
        }
        from = at;
      }
      this.follow(chunk[at] as number);
      at += length;
      if (at > end) this.rest = at - end;
    }
    if (from < end) pass(chunk.subarray(from, end));
  }

  private isPlain(chunk: Buffer, at: number, length: number, end: number): boolean {
    return (
      chunk[at] === FINAL_BINARY &&
      ((chunk[at + 1] as number) & MASKED) !== 0 &&
      !this.fragmented &&
      at + length <= end &&
      length <= this.options.maxBytes &&
      this.options.open()
    );
  }

  private deliver(chunk: Buffer, at: number, length: number): number {
    const short = (chunk[at + 1] as number) & 0x7f;
    const body = at + 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + MASK_BYTES;
    const end = at + length;
    const mask = body - MASK_BYTES;
    const zero = chunk[mask] === 0 && chunk[mask + 1] === 0 && chunk[mask + 2] === 0 && chunk[mask + 3] === 0;
    if (!zero) for (let i = body; i < end; i++) chunk[i] = (chunk[i] as number) ^ (chunk[mask + ((i - body) & 3)] as number);
    this.options.onMessage(chunk === readBuffer ? readView(body, end) : new Uint8Array(chunk.buffer, chunk.byteOffset + body, end - body));
    return end;
  }

  /** A frame goes to `ws`: what it means for the next ones. */
  private follow(first: number): void {
    const opcode = first & OPCODES;
    if (opcode >= CONTROL) return;
    const final = (first & FINAL) !== 0;
    if (opcode !== CONTINUATION || final) this.fragmented = !final;
  }
}

/** Bytes of the frame that begins at `at`, header included; 0 when its header is not all here, before `end`. */
function frameBytes(chunk: Buffer, at: number, end: number): number {
  if (end - at < 2) return 0;
  const second = chunk[at + 1] as number;
  const mask = (second & MASKED) === 0 ? 0 : MASK_BYTES;
  const short = second & 0x7f;
  if (short < 126) return 2 + mask + short;
  if (short === 126) return end - at < 4 ? 0 : 4 + mask + chunk.readUInt16BE(at + 2);
  // Beyond 2^53 nothing is exact, and `ws` refuses it: far more than will ever come.
  return end - at < 10 ? 0 : 10 + mask + Number(chunk.readBigUInt64BE(at + 2));
}
