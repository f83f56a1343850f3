/**
 * One generation of a scene's document: the Y.Doc and everything that names its ids. Re-rooting (renewal.ts) replaces it as a whole.
 *
 * [DR1] `doc` holds durable state only; what waits for the disk is in `pending`.
 * [DR2] Nothing is in charge that is incomplete: `load` and `ready` refuse a document that lacks what others build on.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import { newerVersion, objectsRoot, type PermissionTable, type Scene } from "@copresence/shared/scene";
import * as Y from "yjs";
import { ChangeLog } from "./change-log.ts";
import { ClientRegistry, NOBODY } from "./client-registry.ts";
import { Gate } from "./gate.ts";
import { LogSize } from "./log-size.ts";
import { PendingIndex } from "./pending-index.ts";
import { RetiredClients } from "./retired-clients.ts";

export type Corrupt = { readonly code: "corrupt"; readonly sentence: string };
export type RootOptions = {
  readonly scene: Scene;
  readonly epoch: number;
  /** Yjs clientID the room writes under. */
  readonly clientId: number;
  readonly permissions: PermissionTable;
  /** Whose clientIDs earlier generations had. */
  readonly retired: RetiredClients;
  /** The clientID under which a fresh generation was written; unknown of one that was loaded. */
  readonly rootClient?: number | undefined;
};

/** Versions of events rise with the log, whose numbers begin anew with each epoch; no epoch has this many records. */
const RECORDS_PER_EPOCH = 2 ** 36;
export const versionOf = (epoch: number, seq: number): number => (epoch - 1) * RECORDS_PER_EPOCH + seq;

const LACKS = "The stored document lacks updates that others build on; restore it from a backup or the previous snapshot.";

export class DocumentRoot {
  readonly epoch: number;
  readonly clientId: number;
  readonly retired: RetiredClients;
  readonly rootClient: number | undefined;
  /** Only ever applies updates, its own edits included, so it keeps its random clientID: Yjs changes the id of one that is handed its own. */
  readonly doc = new Y.Doc({ gc: true });
  readonly pending = new PendingIndex(this.doc);
  readonly changes: ChangeLog;
  readonly size = new LogSize();
  /** All there is, as it was stored: whoever opened the space is answered with it instead of with the same thing encoded anew. */
  stored: Uint8Array | undefined;
  /** Something was applied since it was loaded. */
  changed = false;
  clients: ClientRegistry;
  gate: Gate;
  /** The room's own clientID is on record as nobody's (client-registry.ts, [CR2]). */
  ownClaimed = false;
  private readonly scene: Scene;
  private readonly permissions: PermissionTable;
  private recount = true;

  constructor({ scene, epoch, clientId, permissions, retired, rootClient }: RootOptions) {
    this.scene = scene;
    this.epoch = epoch;
    this.clientId = clientId;
    this.permissions = permissions;
    this.retired = retired;
    this.rootClient = rootClient;
    this.changes = new ChangeLog(scene, this.doc);
    this.clients = this.registry(new Map());
    this.gate = this.makeGate();
    objectsRoot(this.doc).observe(() => (this.recount = true));
  }

  /** Takes what the store has; once, before anything else. `owners` says whose clientIDs the document names. */
  load(snapshot: Uint8Array | undefined, updates: readonly Uint8Array[], owners: ReadonlyMap<number, string>): Result<void, Corrupt> {
    try {
      this.doc.transact(() => {
        if (snapshot !== undefined) Y.applyUpdate(this.doc, snapshot);
        for (const update of updates) Y.applyUpdate(this.doc, update);
      });
    } catch {
      return corrupt("The stored document cannot be decoded; restore it from a backup or the previous snapshot.");
    }
    const newer = newerVersion(this.doc, this.scene);
    if (newer !== undefined) {
      const { name, version: own } = this.scene;
      return corrupt(`The document was written for version ${newer} of scene "${name}", this server has version ${own}; deploy the newer one.`);
    }
    this.size.loaded(snapshot?.length ?? 0, updates);
    this.stored = updates.length === 0 ? snapshot : undefined;
    return this.ready(owners);
  }

  /** Everything is in: from now on updates can be judged. */
  ready(owners: ReadonlyMap<number, string>): Result<void, Corrupt> {
    if (this.incomplete) return corrupt(LACKS);
    this.clients = this.registry(owners);
    this.ownClaimed = owners.get(this.clientId) === NOBODY;
    for (const client of this.doc.store.clients.keys()) if (!owners.has(client)) this.clients.reserve(client);
    this.gate = this.makeGate();
    this.recountObjects();
    return ok(undefined);
  }

  recountObjects(): void {
    if (!this.recount) return;
    this.recount = false;
    this.gate.objectCount = objectsRoot(this.doc).size;
  }

  get incomplete(): boolean {
    return this.doc.store.pendingStructs !== null || this.doc.store.pendingDs !== null;
  }

  /**
   * The updates that `changes` make, one each, on `replica` of the document, put ahead by what waits for the disk; it is destroyed. What a change
   * throws is thrown.
   */
  draft(replica: Y.Doc, waiting: Iterable<Uint8Array>, changes: readonly ((doc: Y.Doc) => void)[]): Uint8Array[] {
    for (const update of waiting) Y.applyUpdate(replica, update);
    replica.clientID = this.clientId;
    const updates: Uint8Array[] = [];
    replica.on("update", (update: Uint8Array) => updates.push(update));
    try {
      for (const change of changes) replica.transact(() => change(replica));
    } finally {
      replica.destroy();
    }
    return updates;
  }

  private registry(owners: ReadonlyMap<number, string>): ClientRegistry {
    const clients = new ClientRegistry(owners, this.retired);
    clients.reserve(this.clientId);
    return clients;
  }

  private makeGate(): Gate {
    const { scene, doc, pending, clients, permissions } = this;
    return new Gate({ scene, doc, pending, clients, permissions });
  }
}

const corrupt = (sentence: string) => err<Corrupt>({ code: "corrupt", sentence });
