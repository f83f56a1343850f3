/**
 * One space as a Colyseus room: a thin shell between Colyseus's lifecycle and a `SpaceRuntime`. It decides nothing.
 *
 * [SO1] A person enters the core once their client has acknowledged the join, so the welcome is never sent to deaf ears.
 * [SO2] A room that fails closes its sessions retryably and goes; the process and the other rooms do not notice.
 * [SO3] An empty room is kept for `lingerMs`, then ends. Stock document peers count as people here: Colyseus does not know them.
 * [SO4] However Colyseus ends a room, its runtime is stopped and its space given back.
 */
import { Room, ServerError } from "@colyseus/core";
import { err, isIdentifier } from "@copresence/shared/base";
import { CLOSE, type CloseName, LIMITS } from "@copresence/shared/protocol";
import type { PersonExplanation } from "../../core/index.ts";
import type { CoreInput, Identity } from "../../core/types.ts";
import { errorFields, logId } from "../log.ts";
import { refusal } from "../refusal.ts";
import type { DocPeer } from "./doc-peer.ts";
import { SendGovernor } from "./governor.ts";
import { RoomClient } from "./room-client.ts";
import type { RoomHost } from "./room-host.ts";
import { SessionPlane } from "./session-plane.ts";
import { SpaceRuntime } from "./space-runtime.ts";
import type { Wire } from "./transports/wire.ts";

export const ROOM_NAME = "space";
/** Frames that reach Colyseus itself: an acknowledgement, a leave, latency pings. */
const COLYSEUS_FRAMES_PER_SECOND = 20;

/** Proof that the entrance verified a ticket, handed through Colyseus's auth context. Only code of this server can make one. */
export class Admitted {
  readonly identity: Identity;

  constructor(identity: Identity) {
    this.identity = identity;
  }
}

export abstract class SpaceRoom extends Room<{ state: SessionPlane; client: RoomClient }> {
  protected abstract readonly host: RoomHost;
  override autoDispose = false;
  override patchRate = null;
  override maxMessagesPerSecond = COLYSEUS_FRAMES_PER_SECOND;
  override seatReservationTimeout = LIMITS.handshakeMs / 1000;
  override state = new SessionPlane();
  private space = "";
  private runtime: SpaceRuntime | undefined;
  private lingering: NodeJS.Timeout | undefined;
  private endReason: CloseName | undefined;

  static override async onAuth(_token: string, _options: unknown, context: { readonly req?: unknown }): Promise<unknown> {
    if (context.req instanceof Admitted) return context.req.identity;
    throw new ServerError(CLOSE.ticketMissing.code, CLOSE.ticketMissing.sentence);
  }

  override async onCreate(options: { readonly space?: unknown }): Promise<void> {
    const { host } = this;
    const { space } = options;
    if (!isIdentifier(space)) throw refused("spaceUnknown");
    if (!(await host.claim(space, this))) throw refused("roomFailed");
    this.space = space;
    const opened = await SpaceRuntime.open({
      space,
      host: host.options,
      plane: this.state,
      broadcastPatch: () => this.broadcastPatch(),
      onLoaded: (loaded) => host.greetings.greet(space, loaded),
      onFailed: (error) => this.fail(error),
    }).catch((error: unknown) => {
      // A bug, in the core or in a store that breaks its contract; the space must not stay claimed by a room that never was.
      host.options.log.error({ space: logId(space), ...errorFields(error) }, "a room could not be opened");
      return err(refusal("roomFailed"));
    });
    if (!opened.ok) {
      host.release(space, this, Promise.resolve());
      throw new ServerError(opened.error.code, opened.error.sentence);
    }
    this.runtime = opened.value;
    // Not earlier: what holds here is pushed through this room.
    host.options.signals?.opened(space);
    host.options.log.info({ space: logId(space) }, "space open");
    this.linger();
  }

  override onJoin(client: RoomClient): void {
    client.userData = client.auth;
  }

  override onLeave(client: RoomClient): void {
    this.runtime?.leave(client.session);
    this.linger();
  }

  /** Makes the client Colyseus will seat; the caller then lets Colyseus do it. */
  newClient(sessionId: string, wire: Wire): RoomClient {
    const { traffic, metrics } = this.host.options;
    const client: RoomClient = new RoomClient({
      sessionId,
      wire,
      governor: new SendGovernor({ wire, traffic, onSlow: () => client.closeFor("slowConsumer") }),
      events: {
        onEntered: (entered) => this.entered(entered),
        onPose: (from, clockMs, bytes, at, end) => this.runtime?.pose(from, clockMs, bytes, at, end),
        onMessage: (from, id, body) => this.runtime?.message(from.session, id, body),
        onMalformed: (from, sentence) => this.runtime?.malformed(from.session, sentence),
        onRefused: (name) => metrics.closed(name),
      },
    });
    return client;
  }

  private entered(client: RoomClient): void {
    const identity = client.userData as Identity;
    this.runtime?.enter(client.session, identity, client);
    this.host.options.stir?.();
    this.host.options.signals?.joined(this.space, identity.user);
  }

  admitDoc(peer: DocPeer, identity: Identity): void {
    const { runtime } = this;
    if (runtime === undefined || this.endReason !== undefined) return peer.closeFor(this.endReason ?? "roomFailed");
    runtime.enterDoc(peer.session, identity, peer, peer.greetedEpoch);
    peer.admit({
      onMessage: (bytes) => runtime.docMessage(peer.session, bytes),
      onClosed: () => {
        runtime.leaveDoc(peer.session);
        this.linger();
      },
    });
  }

  get sessions(): number {
    return this.runtime?.size ?? 0;
  }

  /** What moderation decided; nothing where the room is not open yet. */
  push(input: CoreInput): void {
    this.runtime?.push(input);
  }

  /** Why a viewer gets of others what it gets: for operators. */
  explainPeople(viewer: string, source?: string): readonly PersonExplanation[] | undefined {
    return this.runtime?.explainPeople(viewer, source);
  }

  get spaceName(): string {
    return this.space;
  }

  /** What a person holds; undefined when they are not here. */
  holdsOf(user: string): readonly string[] | undefined {
    return this.runtime?.holdsOf(user);
  }

  forgetPerson(user: string, alias: string): void {
    this.runtime?.forgetPerson(user, alias);
  }

  /** Why the room is ending, once it is: nobody comes in any more. */
  get ending(): CloseName | undefined {
    return this.endReason;
  }

  /** Somebody is on the way in: the room stays at least until their seat expires. */
  expectVisitor(): void {
    this.linger();
  }

  /** Writes what is pending, tells everybody why, and ends. */
  async end(reason: CloseName): Promise<void> {
    if (this.endReason !== undefined) return;
    await this.finish(reason);
    this.runtime?.closeAll(reason);
    this.forgetSeats();
    await this.disconnect(CLOSE[reason].code);
    this.host.options.log.info({ space: logId(this.space), reason }, "space closed");
  }

  /** Colyseus keeps a room until its last reserved seat has expired; who has not come yet is not let in any more anyway (doorman.ts). */
  private forgetSeats(): void {
    const [seats, timers] = [this["_reservedSeats"], this["_reservedSeatTimeouts"]];
    for (const session of Object.keys(seats)) {
      const taken = seats[session]?.[2] === true;
      if (taken) continue;
      clearTimeout(timers[session]);
      delete timers[session];
      delete seats[session];
    }
  }

  /** Also called for a room that never went live because the server began to stop while it was being created [SO4]. */
  override onDispose(): Promise<void> | undefined {
    return this.endReason === undefined ? this.finish("serverDraining") : undefined;
  }

  /** Nobody comes in from now on; what is pending is written, then nothing runs any more. */
  private finish(reason: CloseName): Promise<void> {
    this.endReason = reason;
    clearTimeout(this.lingering);
    const { runtime } = this;
    const stopped = (runtime?.flush() ?? Promise.resolve()).finally(() => runtime?.stop());
    const written = stopped.then(() => runtime?.letGo());
    this.host.release(this.space, this, written);
    return written;
  }

  private endSoon(reason: CloseName): void {
    this.end(reason).catch((error: unknown) => this.host.options.log.error(errorFields(error), "a room did not end cleanly"));
  }

  override onBeforeShutdown(): void {
    this.endSoon("serverDraining");
  }

  private fail(error: unknown): void {
    this.host.options.log.error({ space: logId(this.space), ...errorFields(error) }, "a room failed and was closed; other rooms go on");
    this.host.options.metrics.roomFailed();
    this.endSoon("roomFailed");
  }

  private linger(): void {
    clearTimeout(this.lingering);
    if (this.endReason !== undefined) return;
    const waitMs = Math.max(this.host.options.lingerMs, LIMITS.handshakeMs * 2);
    this.lingering = setTimeout(() => {
      if (this.sessions === 0 && this.clients.length === 0) this.endSoon("serverDraining");
    }, waitMs);
  }
}

const refused = (name: CloseName): ServerError => new ServerError(CLOSE[name].code, CLOSE[name].sentence);
