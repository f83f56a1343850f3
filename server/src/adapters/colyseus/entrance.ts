/**
 * The way in, shared by matchmaking and the sync endpoint: version, names, ticket, region, space, then a room.
 *
 * [EN1] Cheap checks first: a ticket is used up only by a request whose form is right. Which spaces exist is only told to ticket holders.
 * [EN2] One room per space in this process: concurrent first joins wait for the same creation.
 * [EN3] A join takes at most `LIMITS.joinMs`; a store or a matchmaker that hangs refuses joins instead of collecting them.
 */
import { matchMaker, ServerError } from "@colyseus/core";
import { err, isIdentifier, ok, type Result } from "@copresence/shared/base";
import { CLOSE, type CloseName, closeName, LIMITS, PROTOCOL_OLDEST, PROTOCOL_VERSION } from "@copresence/shared/protocol";
import type { Admission, TicketVerifier } from "../auth/tickets.ts";
import { errorFields, type Logger } from "../log.ts";
import { type Refusal, refusal } from "../refusal.ts";
import type { Visitor } from "./greetings.ts";
import type { RoomHost } from "./room-host.ts";
import { Admitted, ROOM_NAME, type SpaceRoom } from "./space-room.ts";

/** What the SDK consumes to open its WebSocket; Colyseus's seat reservation. */
export type Seat = Awaited<ReturnType<typeof matchMaker.joinById>>;
export type JoinQuery = { readonly space: unknown; readonly protocol: unknown; readonly ticket: string | undefined };

export class Entrance {
  private readonly host: RoomHost;
  private readonly tickets: TicketVerifier;
  private readonly log: Logger;
  private readonly opening = new Map<string, Promise<SpaceRoom>>();
  private drained = false;

  constructor(options: { readonly host: RoomHost; readonly tickets: TicketVerifier; readonly log: Logger }) {
    this.host = options.host;
    this.tickets = options.tickets;
    this.log = options.log;
  }

  /** From now on every join is refused with `serverDraining`. */
  drain(): void {
    this.drained = true;
  }

  get draining(): boolean {
    return this.drained;
  }

  /** A seat in the space's room, for an SDK client. */
  async seat(query: JoinQuery): Promise<Result<Seat, Refusal>> {
    const version = checkVersion(query.protocol);
    if (version !== undefined) return err(version);
    return this.guarded(async () => {
      const admitted = await this.admit(query);
      if (!admitted.ok) return admitted;
      const { identity, space } = admitted.value;
      const room = await this.roomFor(space);
      room.expectVisitor();
      const context = { req: new Admitted(identity), headers: new Headers(), ip: undefined };
      return ok(await matchMaker.joinById(room.roomId, { space }, context));
    });
  }

  /** The space's room, for a stock document peer. */
  async document(
    query: Omit<JoinQuery, "protocol">,
    visitor: Visitor,
  ): Promise<Result<{ readonly room: SpaceRoom; readonly admission: Admission }, Refusal>> {
    return this.guarded(async () => {
      const admitted = await this.admit(query);
      if (!admitted.ok) return admitted;
      const { space, identity } = admitted.value;
      const { greetings, options } = this.host;
      // Everybody else is decided about by the room.
      const stop = options.signals?.removed(space, identity.user) === true ? undefined : greetings.wait(space, visitor);
      const room = await this.roomFor(space).finally(stop);
      room.expectVisitor();
      return ok({ room, admission: admitted.value });
    });
  }

  private async admit(query: Omit<JoinQuery, "protocol">): Promise<Result<Admission, Refusal>> {
    const { space, ticket } = query;
    if (this.drained) return err(refusal("serverDraining"));
    if (!isIdentifier(space)) return err(refusal("nameInvalid", "The space's name must match ^[A-Za-z0-9_-]{1,64}$ and not be reserved."));
    const scene = this.host.options.sceneOf(space);
    const admitted = await this.tickets.admit(ticket);
    if (!admitted.ok) return admitted;
    if (admitted.value.space !== space) return err(refusal("ticketInvalid", "The join ticket is for another space."));
    if (scene === undefined) return err(refusal("spaceUnknown"));
    if (!Object.hasOwn(scene.roles, admitted.value.identity.role)) {
      return err(refusal("ticketInvalid", "The ticket's role is not one of the space's roles."));
    }
    // Again, because verifying took a while: from `drain` on no room is opened.
    return this.drained ? err(refusal("serverDraining")) : admitted;
  }

  private roomFor(space: string): Promise<SpaceRoom> {
    const already = this.opening.get(space);
    if (already !== undefined) return already;
    const open = this.host.roomOf(space);
    if (open !== undefined) return Promise.resolve(open);
    const opening = this.openRoom(space).finally(() => this.opening.delete(space));
    this.opening.set(space, opening);
    return opening;
  }

  private async openRoom(space: string): Promise<SpaceRoom> {
    const { roomId } = await matchMaker.createRoom(ROOM_NAME, { space });
    return matchMaker.getLocalRoomById(roomId) as unknown as SpaceRoom;
  }

  /** Time limit and translation of Colyseus's errors into refusals. */
  private async guarded<T>(join: () => Promise<Result<T, Refusal>>): Promise<Result<T, Refusal>> {
    const { stir } = this.host.options;
    stir?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Result<T, Refusal>>((resolve) => {
      timer = setTimeout(() => resolve(err(refusal("handshakeTimeout"))), LIMITS.joinMs);
    });
    try {
      return await Promise.race([join(), late]);
    } catch (error) {
      return err(this.refusalOf(error));
    } finally {
      clearTimeout(timer);
      stir?.();
    }
  }

  private refusalOf(error: unknown): Refusal {
    const name: CloseName | undefined = error instanceof ServerError ? closeName(error.code) : undefined;
    if (name !== undefined) return refusal(name);
    this.log.warn(errorFields(error), "a join failed in the matchmaker");
    return refusal("roomFailed", CLOSE.roomFailed.sentence);
  }
}

/** The client's protocol version, as the SDK sends it with the join. */
function checkVersion(protocol: unknown): Refusal | undefined {
  if (typeof protocol !== "number" || !Number.isInteger(protocol) || protocol < PROTOCOL_OLDEST) return refusal("protocolTooOld");
  return protocol > PROTOCOL_VERSION ? refusal("protocolTooNew") : undefined;
}
