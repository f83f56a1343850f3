/** What the scene document knows of one peer, and the bounded patience it has with it. */
import type { SessionId } from "@copresence/shared/base";
import type { Identity } from "../types.ts";

/** `sdk` peers speak the registry's messages; `stock` ones are y-websocket providers and get raw y-protocol bytes. */
export type PeerKind = "sdk" | "stock";

/** Forged or malformed messages before the session is closed. */
export const FORGED_MAX = 3;
/** Updates that took longer than `SLOW_MS` before the session is closed. */
export const SLOW_MAX = 3;
/** Longest an update may hold the room's thread, in ms. */
export const SLOW_MS = 50;
/** Refusals a peer may collect at once and per second: races lost by an honest, busy person. */
const DENIED_BURST = 32;
const DENIED_PER_SECOND = 1;
/** Full syncs a peer may ask for: each encodes the whole document. */
const SYNC_BURST = 12;
const SYNC_PER_SECOND = 1;

/** A token bucket on the caller's clock. */
class Bucket {
  private readonly burst: number;
  private readonly perSecond: number;
  private tokens: number;
  private lastMs: number | undefined;

  constructor(burst: number, perSecond: number) {
    this.burst = burst;
    this.perSecond = perSecond;
    this.tokens = burst;
  }

  take(nowMs: number): boolean {
    const passedMs = Math.max(0, nowMs - (this.lastMs ?? nowMs));
    this.lastMs = nowMs;
    this.tokens = Math.min(this.burst, this.tokens + (passedMs * this.perSecond) / 1000);
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}

export class DocSession {
  readonly id: SessionId;
  /** Another one once the person was erased, which they are not while they are here. */
  identity: Identity;
  readonly peer: PeerKind;
  /** Update messages received; the ordinal of the newest one. */
  received = 0;
  /** Sync step 1 messages answered. An edit admitted before the newest one may be missing in a replica that began anew with it. */
  synced = 0;
  /** The newest edit of this session that waits for the disk; what is settled without waiting is acknowledged with it. */
  waiting: { ackTo: number } | undefined;
  /**
   * The peer's replica has an edit the room refused, or is of an earlier generation: its updates are ignored until it syncs anew (for `renewed`:
   * by the new root), or until the store works again.
   */
  stale: "refused" | "read-only" | "renewed" | undefined;
  /** An update of this peer was ignored because the document is being re-rooted. */
  ignored = false;
  /** A sync step 2 was asked for (at join, after a gap) and has not come. */
  asked = true;
  forged = 0;
  /** Updates that took the room too long. */
  slow = 0;
  readonly denials = new Bucket(DENIED_BURST, DENIED_PER_SECOND);
  readonly syncs = new Bucket(SYNC_BURST, SYNC_PER_SECOND);

  constructor(id: SessionId, identity: Identity, peer: PeerKind) {
    this.id = id;
    this.identity = identity;
    this.peer = peer;
  }
}
