/**
 * Who may come in, and how a session ends: people with a slot, and document-only peers without one.
 *
 * [DO1] A person has one session: a second one replaces the first, which is closed with `sessionReplaced`.
 * [DO2] A session that ends leaves nothing behind: holds come to rest, its slot is freed, the document forgets its peer.
 * [DO3] A closed session is gone at once; closing twice, or leaving after, does nothing.
 * [DO4] A session may send `LIMITS.malformedStrikes` messages that cannot be read, each answered with a reason; the next ends it.
 */
import type { SessionId } from "@copresence/shared/base";
import type { RigBounds } from "@copresence/shared/motion";
import { type CloseName, LIMITS, type UpMessage } from "@copresence/shared/protocol";
import type { Scene } from "@copresence/shared/scene";
import { cutUtf8 } from "./cut-utf8.ts";
import type { EffectSink } from "./effect-sink.ts";
import { type Member, roleOf } from "./member.ts";
import { chooseColor, PALETTE } from "./palette.ts";
import { PoseDesk } from "./pose-desk.ts";
import { type Admission, SessionLimits } from "./rate-limits.ts";
import { RigDesk } from "./rig-desk.ts";
import type { Roster } from "./roster.ts";
import { spawnRig } from "./spawn.ts";
import type { CoreEffect, Identity } from "./types.ts";

/** What the rest of the room does when somebody comes or goes, in this order. */
export type DoorParts = {
  readonly welcome: (member: Member) => void;
  readonly documentJoin: (session: SessionId, identity: Identity, peer: "sdk" | "stock") => readonly CoreEffect[];
  readonly documentLeave: (session: SessionId) => readonly CoreEffect[];
  readonly absorb: (effects: readonly CoreEffect[]) => void;
  readonly poseAdd: (slot: number) => void;
  readonly poseRemove: (slot: number) => void;
  /** Holds come to rest, questions are forgotten. */
  readonly letGo: (member: Member) => void;
};

type DocPeer = { readonly session: SessionId; readonly user: string; readonly limits: SessionLimits; strikes: number };

export class Door {
  private readonly out: EffectSink;
  private readonly roster: Roster;
  private readonly scene: Scene;
  private readonly bounds: RigBounds;
  private readonly seed: number;
  private readonly parts: DoorParts;
  private readonly peers = new Map<SessionId, DocPeer>();
  /** How many wear each colour of PALETTE. */
  private readonly worn = new Uint16Array(PALETTE.length);

  constructor(options: {
    readonly out: EffectSink;
    readonly roster: Roster;
    readonly scene: Scene;
    readonly bounds: RigBounds;
    readonly seed: number;
    readonly parts: DoorParts;
  }) {
    this.out = options.out;
    this.roster = options.roster;
    this.scene = options.scene;
    this.bounds = options.bounds;
    this.seed = options.seed;
    this.parts = options.parts;
  }

  get docPeers(): number {
    return this.peers.size;
  }

  hasPeer(user: string): boolean {
    return [...this.peers.values()].some((peer) => peer.user === user);
  }

  join(session: SessionId, identity: Identity, nowMs: number): void {
    const before = this.roster.byUser(identity.user);
    if (before !== undefined) this.close(before.session, "sessionReplaced", nowMs);
    const slot = this.roster.freeSlot(nowMs);
    if (slot === undefined) {
      this.out.close(session, "spaceFull");
      return;
    }
    const colorIndex = chooseColor(identity.user, this.seed, this.worn);
    this.worn[colorIndex] = (this.worn[colorIndex] ?? 0) + 1;
    const member: Member = {
      session,
      person: {
        slot,
        session,
        user: identity.user,
        name: cutUtf8(identity.name, LIMITS.displayNameBytes),
        role: identity.role,
        color: PALETTE[colorIndex] ?? PALETTE[0],
        status: "awake",
      },
      role: roleOf(this.scene.roles, identity.role),
      colorIndex,
      limits: new SessionLimits(nowMs),
      rig: new RigDesk(spawnRig(slot, this.scene.bounds), this.bounds),
      poses: new PoseDesk(this.bounds),
      strikes: 0,
    };
    this.roster.add(member);
    this.parts.poseAdd(slot);
    this.parts.welcome(member);
    this.out.session({ kind: "person", person: member.person });
    this.parts.absorb(this.parts.documentJoin(session, identity, "sdk"));
  }

  joinPeer(session: SessionId, identity: Identity, nowMs: number): void {
    const own = [...this.peers.values()].filter(({ user }) => user === identity.user).length;
    if (this.peers.size >= LIMITS.docPeers || own >= LIMITS.docPeersPerPerson) {
      this.out.close(session, "spaceFull");
      return;
    }
    this.peers.set(session, { session, user: identity.user, limits: new SessionLimits(nowMs), strikes: 0 });
    this.parts.absorb(this.parts.documentJoin(session, identity, "stock"));
  }

  /** Ends a session on the room's decision. */
  close(session: SessionId, reason: CloseName, nowMs: number): void {
    if (this.roster.bySession(session) === undefined && !this.peers.has(session)) return;
    this.out.close(session, reason);
    this.leave(session, nowMs);
  }

  /** Ends every document-only session of a person. */
  closePeersOf(user: string, reason: CloseName, nowMs: number): void {
    for (const peer of this.peers.values()) if (peer.user === user) this.close(peer.session, reason, nowMs);
  }

  leave(session: SessionId, nowMs: number): void {
    const member = this.roster.bySession(session);
    if (member !== undefined) {
      this.parts.letGo(member);
      this.roster.remove(member, nowMs);
      this.parts.poseRemove(member.person.slot);
      this.worn[member.colorIndex] = (this.worn[member.colorIndex] ?? 1) - 1;
      this.out.session({ kind: "personGone", slot: member.person.slot });
    } else if (!this.peers.delete(session)) {
      return;
    }
    this.parts.absorb(this.parts.documentLeave(session));
  }

  /** Whether a person's message is to be handled; warns, drops or closes as the rates say. */
  admits(member: Member, type: UpMessage["type"], nowMs: number): boolean {
    return this.act(member.session, member.limits.admit(type, nowMs), nowMs);
  }

  /** The same for poses, which are most of what comes. */
  admitsPose(member: Member, nowMs: number): boolean {
    const admission = member.limits.admitDroppable(nowMs);
    return admission === "ok" || this.act(member.session, admission, nowMs);
  }

  /** The same for raw document bytes of a peer. */
  admitsPeer(session: SessionId, nowMs: number): boolean {
    const peer = this.peers.get(session);
    return peer !== undefined && this.act(session, peer.limits.admitOrdered(nowMs), nowMs);
  }

  private act(session: SessionId, admission: Admission, nowMs: number): boolean {
    if (admission === "close") this.close(session, "tooManyMessages", nowMs);
    else if (admission === "warn" && this.roster.bySession(session) !== undefined) {
      const sentence = `More than ${LIMITS.orderedPerSecond} messages a second; the session is closed if this goes on.`;
      this.out.deny(session, 0, { reason: "too-many", object: "", field: "", sentence });
    }
    return admission === "ok" || admission === "warn";
  }

  /** A message that could not be read [DO4]. */
  strike(session: SessionId, sentence: string, nowMs: number): void {
    const member = this.roster.bySession(session);
    const offender = member ?? this.peers.get(session);
    if (offender === undefined) return;
    this.out.count("malformed");
    offender.strikes++;
    if (offender.strikes > LIMITS.malformedStrikes) this.close(session, "malformedMessage", nowMs);
    else if (member !== undefined) this.out.deny(session, 0, { reason: "malformed", object: "", field: "", sentence });
  }
}
