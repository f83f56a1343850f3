/**
 * Who may write under which Yjs clientID. The first person to write under an id owns it for this document, across sessions and restarts; with
 * another's id one could take the clocks the victim's next edits need (measured: 19 bytes silence a victim).
 *
 * [CR1] Ownership is durable before it matters: a record's `client` belongs to its `user` from then on, and an update of several clients is
 *       preceded by one empty record for each of the others (scene-document.ts).
 * [CR2] What the room itself wrote under, now or before a restart, belongs to nobody: "" is no person's id.
 * [CR3] An id that the document names and nobody is known to own cannot be taken, and none of an earlier generation (retired-clients.ts).
 */
import type { SessionId } from "@copresence/shared/base";

/** Ids one session may take: reloads keep a session's id or bring their own session, refusals cost one each. */
export const CLIENTS_PER_SESSION = 16;
/** Ids of one person in one document, so that nobody can use up all of them: a year of daily reloads. */
export const CLIENTS_PER_USER = 512;
/** Ids of one document: every state vector names them all and must fit a sync message. */
export const CLIENTS_PER_DOCUMENT = 4000;
/** Owner of the room's own ids. */
export const NOBODY = "";

export type Claim = "owned" | "foreign" | "too-many";

export class ClientRegistry {
  private readonly owners: Map<number, string>;
  private readonly perUser = new Map<string, number>();
  private readonly claims = new Map<SessionId, number>();
  private readonly retired: { has(client: number): boolean };

  /** `retired`: ids that nobody may take any more. */
  constructor(owners: ReadonlyMap<number, string>, retired: { has(client: number): boolean } = new Set<number>()) {
    this.retired = retired;
    this.owners = new Map(owners);
    for (const user of owners.values()) this.count(user);
  }

  /** Whether an id belongs to an earlier generation of the document. */
  isRetired(client: number): boolean {
    return this.retired.has(client);
  }

  /** Every id that is taken, and whose it is. */
  all(): ReadonlyMap<number, string> {
    return this.owners;
  }

  /** The room's own id: nobody may take it. */
  reserve(client: number): void {
    if (this.owners.get(client) === NOBODY) return;
    this.owners.set(client, NOBODY);
    this.count(NOBODY);
  }

  /** Whether `user` may write under all of `clients` in this session; takes the unowned ones then, none otherwise. `fresh`: those it took. */
  claim(session: SessionId, user: string, clients: readonly number[]): { readonly claim: Claim; readonly fresh: readonly number[] } {
    const fresh: number[] = [];
    for (const client of clients) {
      const owner = this.owners.get(client);
      if (owner !== undefined && owner !== user) return { claim: "foreign", fresh: [] };
      if (owner === undefined) fresh.push(client);
    }
    const held = (this.claims.get(session) ?? 0) + fresh.length;
    const own = (this.perUser.get(user) ?? 0) + fresh.length;
    if (fresh.length > 0 && (held > CLIENTS_PER_SESSION || own > CLIENTS_PER_USER || this.owners.size + fresh.length > CLIENTS_PER_DOCUMENT)) {
      return { claim: "too-many", fresh: [] };
    }
    for (const client of fresh) {
      this.owners.set(client, user);
      this.count(user);
    }
    if (fresh.length > 0) this.claims.set(session, held);
    return { claim: "owned", fresh };
  }

  /** Another name stands for a person from now on; should they come back, what they wrote is not theirs any more. */
  rename(user: string, alias: string): void {
    for (const [client, owner] of this.owners) if (owner === user) this.owners.set(client, alias);
    const count = this.perUser.get(user);
    this.perUser.delete(user);
    if (count !== undefined) this.perUser.set(alias, count + (this.perUser.get(alias) ?? 0));
  }

  forget(session: SessionId): void {
    this.claims.delete(session);
  }

  private count(user: string): void {
    this.perUser.set(user, (this.perUser.get(user) ?? 0) + 1);
  }
}
