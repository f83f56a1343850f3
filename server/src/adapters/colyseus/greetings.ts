/**
 * Who waits while a space is being opened is answered with its document as the store has it, before the room is built on it. Decoding and
 * indexing a document takes longer than reading and sending it: whoever opens a space has its document first, and can edit when the room is there.
 *
 * [GR1] Only people who were admitted wait here, and only a replica with nothing in it is answered (doc-peer.ts, [DP5]).
 * [GR2] What is sent is everything that was acknowledged: a stored snapshot with no record after it. Otherwise the room answers.
 * [GR3] The room is told who was greeted, and of which epoch; what it applied since, it sends them (scene-document.ts, `join`).
 * [GR4] A room waits for the greeting to leave for at most COURTESY_MS, whatever the peers do.
 */
import { encodeStep2 } from "../../core/document/doc-wire.ts";
import type { LoadedScene } from "../store/scene-store.ts";

/** What a greeting is to who waits. */
export type Visitor = {
  /** `silent`: it has asked for nothing yet. `answer` makes a whole y-protocols message, called when it is sent. */
  greet(epoch: number, answer: () => Uint8Array): "answered" | "silent" | "other";
  /** Given to the transport and not yet to the kernel. */
  readonly unsentBytes: number;
};

/** Longer than what is on its way in the kernel needs; a visitor on a slower link loses nothing, the document is built meanwhile. */
const COURTESY_MS = 8;
/** Of one space at a time. Each answer may be as large as the document. */
const WAITING_MAX = 16;

export class Greetings {
  private readonly waiting = new Map<string, Set<Visitor>>();
  private readonly clock: () => number;

  constructor(clock: () => number = () => performance.now()) {
    this.clock = clock;
  }

  /** Until the returned function is called. */
  wait(space: string, visitor: Visitor): () => void {
    let visitors = this.waiting.get(space);
    if (visitors === undefined) this.waiting.set(space, (visitors = new Set()));
    if (visitors.size < WAITING_MAX) visitors.add(visitor);
    return () => {
      const left = this.waiting.get(space);
      left?.delete(visitor);
      if (left?.size === 0) this.waiting.delete(space);
    };
  }

  /** Resolves when who waits has been answered, or will have to wait for the room. */
  async greet(space: string, { epoch, snapshot, updates }: Pick<LoadedScene, "epoch" | "snapshot" | "updates">): Promise<void> {
    const visitors = this.waiting.get(space);
    if (visitors === undefined || snapshot === undefined || updates.length > 0) return;
    let encoded: Uint8Array | undefined;
    // Another ten megabytes, perhaps for nobody.
    const answer = (): Uint8Array => (encoded ??= encodeStep2(snapshot));
    const untilMs = this.clock() + COURTESY_MS;
    let greeted: Visitor[] = [];
    for (;;) {
      const answers = [...visitors].map((visitor) => ({ visitor, fate: visitor.greet(epoch, answer) }));
      greeted.push(...answers.filter(({ fate }) => fate === "answered").map(({ visitor }) => visitor));
      greeted = greeted.filter(({ unsentBytes }) => unsentBytes > 0);
      const silent = answers.some(({ fate }) => fate === "silent");
      if ((!silent && greeted.length === 0) || this.clock() >= untilMs) return;
      await new Promise((turn) => setImmediate(turn));
    }
  }
}
