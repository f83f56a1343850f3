/**
 * Decides about WebSocket upgrades: the room socket `/<process>/<room>?sessionId=` of a seat that was reserved, and the sync socket
 * `/sync/<space>?ticket=` of a stock y-websocket provider.
 *
 * [DM1] Origin, shape of the path and the cap per address are checked before the upgrade is accepted, with an HTTP answer.
 * [DM2] What needs a ticket, a seat or a room is decided after it, with a close code: a browser can read that, and not an HTTP status.
 * [DM3] A handshake that is not finished within `LIMITS.handshakeMs` ends.
 */
import { connectClientToRoom, generateId, matchMaker } from "@colyseus/core";
import { isIdentifier, type SessionId } from "@copresence/shared/base";
import { type CloseName, LIMITS } from "@copresence/shared/protocol";
import type { AddressGate } from "../auth/address-gate.ts";
import type { OriginPolicy } from "../auth/origins.ts";
import { errorFields, type Logger } from "../log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { refusal, type Refusal } from "../refusal.ts";
import { DocPeer } from "./doc-peer.ts";
import type { Entrance } from "./entrance.ts";
import type { RoomClient } from "./room-client.ts";
import { SpaceRoom } from "./space-room.ts";
import type { Doorman, UpgradeAnswer, UpgradeRequest, Wire, WireHandlers } from "./transports/wire.ts";

const ROOM_PATH = /^\/([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{1,64})$/;
const SYNC_PREFIX = "/sync/";

export type DoormanOptions = {
  readonly entrance: Entrance;
  readonly origins: OriginPolicy;
  readonly gate: AddressGate;
  readonly metrics: Metrics;
  readonly log: Logger;
};

export class SpaceDoorman implements Doorman {
  private readonly options: DoormanOptions;

  constructor(options: DoormanOptions) {
    this.options = options;
  }

  decide(request: UpgradeRequest): UpgradeAnswer {
    const { origins, gate } = this.options;
    if (!origins.allows(request.origin)) return this.refuse(refusal("originRefused"));
    const attach = this.routeOf(request);
    if (attach === undefined) return this.refuse(refusal("spaceUnknown", "There is no WebSocket endpoint at this path."));
    if (!gate.enter(request.address)) return this.refuse(refusal("addressBusy"));
    const finished = once(() => gate.leave(request.address));
    return { accept: true, attach: (wire) => attach(wire, finished), abandon: finished };
  }

  private refuse(refused: Refusal): UpgradeAnswer {
    this.options.metrics.refused(refused.name);
    return { accept: false, refusal: refused };
  }

  private routeOf(request: UpgradeRequest): ((wire: Wire, finished: () => void) => WireHandlers) | undefined {
    if (request.path.startsWith(SYNC_PREFIX)) {
      const space = decodeSegment(request.path.slice(SYNC_PREFIX.length));
      return (wire, finished) => this.attachDoc(wire, { space, ticket: request.query.get("ticket") ?? undefined }, finished);
    }
    const room = ROOM_PATH.exec(request.path)?.[2];
    const sessionId = request.query.get("sessionId");
    if (room === undefined || !isIdentifier(sessionId)) return undefined;
    return (wire, finished) => this.attachRoom(wire, { room, sessionId }, finished);
  }

  private attachRoom(wire: Wire, seat: { readonly room: string; readonly sessionId: string }, finished: () => void): WireHandlers {
    const room = matchMaker.getLocalRoomById(seat.room) as unknown;
    // Colyseus lets a reserved seat be taken in a room that is already being disposed of, and closes nobody who came after that began.
    const ending = room instanceof SpaceRoom ? room.ending : undefined;
    if (!(room instanceof SpaceRoom) || ending !== undefined) {
      finished();
      const gone = ending === undefined ? refusal("handshakeTimeout", "The seat has expired or its room has closed; join again.") : refusal(ending);
      wire.close(gone.code, gone.sentence);
      return DEAF;
    }
    const client = room.newClient(seat.sessionId, wire);
    const deadline = setTimeout(() => client.closeFor("handshakeTimeout"), LIMITS.handshakeMs);
    client.onSettled(() => {
      clearTimeout(deadline);
      finished();
    });
    void this.seat(room, client);
    return client.handlers;
  }

  private async seat(room: SpaceRoom, client: RoomClient): Promise<void> {
    try {
      await connectClientToRoom(room as never, client as never, { headers: new Headers(), ip: undefined }, {});
    } catch (error) {
      // Colyseus knows one reason at this point: no such seat, or not any more.
      this.options.log.debug(errorFields(error), "a seat was not given");
      client.closeFor("handshakeTimeout", "The seat has expired or was already taken; join again.");
    }
  }

  private attachDoc(wire: Wire, query: { readonly space: string; readonly ticket: string | undefined }, finished: () => void): WireHandlers {
    const session = `doc-${generateId()}` as SessionId;
    const { metrics } = this.options;
    const onRefused = (name: CloseName, admitted: boolean): void => (admitted ? metrics.closed(name) : metrics.refused(name));
    const peer = new DocPeer({ session, wire, traffic: metrics.traffic, onRefused });
    // Admission has its own time limit (entrance.ts), shorter than the handshake's.
    void this.options.entrance.document(query, peer).then((entered) => {
      finished();
      if (peer.gone) return;
      if (entered.ok) return entered.value.room.admitDoc(peer, entered.value.admission.identity);
      peer.closeFor(entered.error.name, entered.error.sentence);
    });
    return peer.handlers;
  }
}

/** For a socket that is being closed: nobody listens. */
const DEAF: WireHandlers = { onMessage: () => {}, onText: () => {}, onProbed: () => {}, onClosed: () => {} };

function once(run: () => void): () => void {
  let ran = false;
  return () => {
    if (ran) return;
    ran = true;
    run();
  };
}

/** A percent-encoded path segment; what does not decode stays as it is and fails the identifier grammar. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
