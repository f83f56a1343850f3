/**
 * Who may write under which Yjs clientID. The first person to write under an id owns it for this document, across sessions and restarts; with
 * another's id one could take the clocks the victim's next edits need (measured: 19 bytes silence a victim).
 */
import type { SessionId, UserId } from "@copresence/shared/base";

/** Ids one session may take: reloads keep a session's id or bring their own session, refusals cost one each. */
export const CLIENTS_PER_SESSION = 16;
/** Ids of one document: every state vector names them all and must fit a sync message. */
export const CLIENTS_PER_DOCUMENT = 4000;

export class ClientRegistry {
  private readonly owners: Map<number, string>;
  private readonly claims = new Map<SessionId, number>();
  private readonly serverId: number;

  constructor(serverId: number, owners: ReadonlyMap<number, string>) {
    this.serverId = serverId;
    this.owners = new Map(owners);
  }

  /** True when `user` may write under all of `clients` in this session; takes the unowned ones then, none otherwise. */
  claim(session: SessionId, user: UserId, clients: readonly number[]): boolean {
    const fresh: number[] = [];
    for (const client of clients) {
      const owner = this.owners.get(client);
      if (client === this.serverId || (owner !== undefined && owner !== user)) return false;
      if (owner === undefined) fresh.push(client);
    }
    const held = (this.claims.get(session) ?? 0) + fresh.length;
    if (held > CLIENTS_PER_SESSION || this.owners.size + fresh.length > CLIENTS_PER_DOCUMENT) return false;
    for (const client of fresh) this.owners.set(client, user);
    if (fresh.length > 0) this.claims.set(session, held);
    return true;
  }

  forget(session: SessionId): void {
    this.claims.delete(session);
  }
}
