/**
 * Pose messages as they came, until the step that handles them. Everybody sends one every tick, so nothing is made for them: bytes are
 * copied behind each other into one piece of memory, and the inputs that name them are used again.
 *
 * [PI1] Nothing is allocated for a message once as many and as large ones have waited before.
 * [PI2] What `take` returns, and its bytes, are valid until `clear`; then they belong to other messages.
 */
import type { SessionId } from "@copresence/shared/base";
import type { PoseInput } from "./types.ts";

type Kept = { -readonly [K in keyof PoseInput]: PoseInput[K] };

const FIRST_BYTES = 4096;

export class PoseInbox {
  private memory = new Uint8Array(FIRST_BYTES);
  private at = 0;
  private readonly inputs: Kept[] = [];
  private taken = 0;

  /** Keeps the fields of a message, bytes[from..end), which the caller may use again. */
  take(session: SessionId, receivedMs: number, bytes: Uint8Array, from: number, end: number): PoseInput {
    const length = end - from;
    if (this.at + length > this.memory.length) this.grow(length);
    const { memory, at } = this;
    for (let i = 0; i < length; i++) memory[at + i] = bytes[from + i] as number;
    this.at = at + length;
    const input = (this.inputs[this.taken++] ??= { kind: "pose", session, receivedMs, bytes: memory, at, length });
    input.session = session;
    input.receivedMs = receivedMs;
    input.bytes = memory;
    input.at = at;
    input.length = length;
    return input;
  }

  clear(): void {
    this.at = 0;
    this.taken = 0;
  }

  /** What was taken stays where it is, and its inputs know where that is. */
  private grow(length: number): void {
    this.memory = new Uint8Array(Math.max(this.memory.length, length) * 2);
    this.at = 0;
  }
}
