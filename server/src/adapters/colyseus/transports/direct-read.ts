/**
 * Lets Node read sockets into one buffer that all of them share. By itself Node takes 64 KiB from the allocator for every read, shrinks it, and
 * makes three objects of it before anybody sees a byte; for messages of 60 bytes that costs more than the `read` itself.
 *
 * This is what `net.connect({ onread })` does. Node has no such option for accepted sockets, so its way of keeping it is used from outside:
 *
 * [DR1] Where Node does not look as it is known to, nothing is touched and the caller hears false: it then listens for `data`.
 * [DR2] What `onRead` gets is valid during the call. Ends, errors, `pause` and `resume` work as before.
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Node's own size of a read. */
const READ_BYTES = 65_536;
/** All sockets of this thread: a read is handled to its end before the next one begins. */
export const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** Longest message whose view is kept, and where the body of a read begins that is one masked message of less than 126 bytes. */
const MOST_VIEWED = 125;
const SHORT_BODY = 6;
const views: (Uint8Array | undefined)[] = [];
/** readBuffer[from..end): the same view again where it can be, because nearly every read is one short message. */
export function readView(from: number, end: number): Uint8Array {
  const length = end - from;
  if (from !== SHORT_BODY || length > MOST_VIEWED) return new Uint8Array(readBuffer.buffer, from, length);
  return (views[length] ??= new Uint8Array(readBuffer.buffer, from, length));
}

type Handle = { useUserBuffer?: (buffer: Uint8Array) => void };

/** `onRead`: the first `length` bytes of `readBuffer` were read. */
export function readDirectly(stream: Duplex, onRead: (length: number) => void): boolean {
  if (!(stream instanceof Socket)) return false;
  const buffer = symbolOf(stream, "kBuffer");
  const callback = symbolOf(stream, "kBufferCb");
  const generator = symbolOf(stream, "kBufferGen");
  if (buffer === undefined || callback === undefined || generator === undefined) return false;
  const fields = stream as unknown as Record<symbol, unknown>;
  const handle = (stream as unknown as { readonly _handle?: Handle | null })._handle;
  if (fields[buffer] !== null || fields[generator] !== null || typeof handle?.useUserBuffer !== "function") return false;
  handle.useUserBuffer(readBuffer);
  fields[callback] = onRead;
  fields[buffer] = readBuffer;
  return true;
}

const symbolOf = (of: object, name: string): symbol | undefined => Object.getOwnPropertySymbols(of).find(({ description }) => description === name);
