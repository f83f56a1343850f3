/**
 * What became durable, on its way to everybody: many edits in one update, because in a busy room sending costs more than all else.
 *
 * [BC1] Everybody is sent every edit but those whose whole update they have written themselves; authors of a part get it back with the rest,
 *       and Yjs ignores it. A replica that began anew since it wrote an edit (`synced`) is not taken to have it.
 * [BC2] Edits leave in the order they became durable.
 * [BC3] Nothing waits for an event that may not come: edits are held back only while another batch is at the disk, for `TOGETHER_MS` at most.
 */
import type { SessionId } from "@copresence/shared/base";
import type { CoreEffect } from "../types.ts";
import type { DocOutbound } from "./doc-outbound.ts";
import type { DocSession } from "./doc-session.ts";
import { encodeDocUpdate } from "./doc-wire.ts";
import { encodeUpdate, type Piece, type Range } from "./update-bytes.ts";

/** A quarter of a headset's frame: nobody sees the difference, and a crowd is sent a fraction of the messages. */
const TOGETHER_MS = 4;

/** An edit as it was judged (gate.ts). */
export type ToldEdit = {
  readonly record: { readonly update: Uint8Array };
  readonly pieces: ReadonlyMap<number, readonly Piece[]>;
  readonly ranges: ReadonlyMap<number, readonly Range[]>;
  readonly session: SessionId | undefined;
  /** `DocSession.synced` when it was admitted. */
  readonly synced: number;
};

export class Broadcasts {
  private readonly out: Pick<DocOutbound, "toOthers">;
  private readonly sessions: ReadonlyMap<SessionId, Pick<DocSession, "synced">>;
  private held: ToldEdit[] = [];
  private sinceMs = 0;

  constructor(out: Pick<DocOutbound, "toOthers">, sessions: ReadonlyMap<SessionId, Pick<DocSession, "synced">>) {
    this.out = out;
    this.sessions = sessions;
  }

  /** Edits that are durable now and say something; `more`: another batch is on its way to the disk. */
  add(edits: readonly ToldEdit[], more: boolean, nowMs: number): CoreEffect[] {
    if (this.held.length === 0) this.sinceMs = nowMs;
    this.held.push(...edits);
    return more && nowMs - this.sinceMs < TOGETHER_MS ? [] : this.flush();
  }

  /** Sends what is held back. */
  flush(): CoreEffect[] {
    const edits = this.held;
    const [first] = edits;
    if (first === undefined) return [];
    this.held = [];
    const author = this.holder(first);
    const only = edits.every((edit) => this.holder(edit) === author) ? author : undefined;
    return this.out.toOthers(only, encodeDocUpdate(edits.length === 1 ? first.record.update : merged(edits)));
  }

  /** The session whose replica has the edit already: its author's, unless it began anew since. */
  private holder({ session, synced }: ToldEdit): SessionId | undefined {
    return session !== undefined && this.sessions.get(session)?.synced === synced ? session : undefined;
  }
}

/** One update of admitted edits in their order: each goes on where the one before ended, so their structs need only be written one after the other. */
function merged(edits: readonly ToldEdit[]): Uint8Array {
  const pieces = new Map<number, Piece[]>();
  const ranges = new Map<number, Range[]>();
  for (const edit of edits) {
    append(pieces, edit.pieces);
    append(ranges, edit.ranges);
  }
  return encodeUpdate(pieces, ranges);
}

function append<T>(to: Map<number, T[]>, from: ReadonlyMap<number, readonly T[]>): void {
  for (const [client, list] of from) {
    const all = to.get(client);
    if (all === undefined) to.set(client, [...list]);
    else all.push(...list);
  }
}
