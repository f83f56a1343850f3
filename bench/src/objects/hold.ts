/**
 * How long a room's thread is held when many people ask for a large document at once: at a join, and when it was re-rooted under them. The
 * room's own document, without store and sockets.
 *
 * [OH1] Every call of the document counts, from the request to the last answer; beside it what Yjs takes to encode the same document in one piece.
 */
import { docStep1 } from "@copresence/client/node";
import { freshRoot, SceneDocument } from "@copresence/server/core";
import type { SessionId, UserId } from "@copresence/shared/base";
import { createObject } from "@copresence/shared/scene";
import notes from "@copresence/simulations/notes-scene";
import * as Y from "yjs";
import type { Figure } from "../report.ts";

export type HoldScale = { readonly documentBytes: number; readonly people: number; readonly rounds: number };
export const HOLD: HoldScale = { documentBytes: 10_000_000, people: 20, rounds: 5 };

const NOTE = "valve turns left until the lamp shows green then wait ".repeat(36);
/** More than any document here takes. */
const TICKS_MAX = 10_000;

export function hold({ documentBytes, people, rounds }: HoldScale, progress: (line: string) => void): Figure[] {
  const source = new Y.Doc();
  source.clientID = 77;
  for (let i = 0; i * NOTE.length < documentBytes; i++) createObject(source, notes, "note", `note-${i}`, { body: NOTE, color: "#a0b0c0" });
  const state = Y.encodeStateAsUpdate(source);
  const onePiece = Array.from({ length: rounds }, () => timed(() => Y.encodeStateAsUpdate(source)).ms);
  const joins = Array.from({ length: rounds }, () => new Held(state).join(people));
  const reroots = Array.from({ length: rounds }, () => new Held(state).reroot(people));
  const [piece, join, reroot] = [onePiece, joins, reroots].map((all) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN);
  progress(
    `${people} people ask for ${(state.length / 1e6).toFixed(1)} MB: the longest hold of each round ${joins.map((ms) => ms.toFixed(1)).join(", ")} ms`,
  );
  progress(`... and after a re-rooting ${reroots.map((ms) => ms.toFixed(1)).join(", ")} ms`);
  return [
    { id: "objects.hold_join_ms", value: join as number, unit: "ms", bar: "<= 50", ok: (join as number) <= 50 },
    { id: "objects.hold_reroot_ms", value: reroot as number, unit: "ms", bar: "<= 50", ok: (reroot as number) <= 50 },
    { id: "objects.hold_one_piece_ms", value: piece as number, unit: "ms", peer: "Yjs' encodeStateAsUpdate of the same document, once" },
  ];
}

class Held {
  private longestMs = 0;
  private readonly document: SceneDocument;
  private readonly state: Uint8Array;

  constructor(state: Uint8Array) {
    this.state = state;
    this.document = new SceneDocument({ scene: notes, epoch: 1, seq: 1, clientId: 1 });
    const loaded = this.document.load(undefined, [state]);
    if (!loaded.ok) throw new Error(loaded.error.sentence);
  }

  /** Milliseconds of the longest hold until everybody has the document. */
  join(people: number): number {
    const sessions = this.enter(people);
    for (const session of sessions) this.ask(session, new Map());
    this.untilAnswered(people);
    return this.longestMs;
  }

  reroot(people: number): number {
    const sessions = this.enter(people);
    const fresh = freshRoot([this.state], 0xf000_0001);
    if (!fresh.ok) throw new Error(fresh.error);
    const updates = fresh.value.map(({ update }) => update);
    this.call(() => this.document.rerooted({ epoch: 2, root: 0xf000_0001, updates }));
    for (let ticks = 0; !this.tick().renewed; ticks++) if (ticks === TICKS_MAX) throw new Error("The document was never made anew.");
    for (const session of sessions) this.ask(session, new Map([[0xf000_0001, 0]]));
    this.untilAnswered(people);
    return this.longestMs;
  }

  private enter(people: number): SessionId[] {
    return Array.from({ length: people }, (_, index) => {
      const session = `s-${index}` as SessionId;
      this.document.join(session, { user: `u-${index}` as UserId, name: "somebody", role: "member" }, "sdk");
      return session;
    });
  }

  private ask(session: SessionId, known: ReadonlyMap<number, number>): void {
    this.call(() => this.document.receive(session, docStep1(Y.encodeStateVector(new Map(known))), 0));
  }

  private untilAnswered(people: number): void {
    let answered = 0;
    for (let ticks = 0; answered < people; ticks++) {
      if (ticks === TICKS_MAX) throw new Error(`Only ${answered} of ${people} people were sent the document.`);
      answered += this.tick().effects.filter((effect) => effect.kind === "send" && effect.bytes.length > this.state.length / 2).length;
    }
  }

  private tick(): ReturnType<SceneDocument["tick"]> {
    return this.call(() => this.document.tick(0));
  }

  private call<T>(work: () => T): T {
    const { ms, value } = timed(work);
    this.longestMs = Math.max(this.longestMs, ms);
    return value;
  }
}

function timed<T>(work: () => T): { readonly ms: number; readonly value: T } {
  const startMs = performance.now();
  const value = work();
  return { ms: performance.now() - startMs, value };
}
