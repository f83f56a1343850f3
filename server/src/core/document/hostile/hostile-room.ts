/**
 * A scene document under attack: things that attackers may not change, people who go on working, and a mirror that sees what everybody sees.
 *
 * [HR1] The mirror is built from what the room made durable and sent on, with Yjs itself; protected state is read from it, not from the gate.
 * [HR2] Protected is: what only the server writes (serial, type, transform, the schema version), shares of others, an exhibit and a vault that
 *       rules close to members, a type that members may not make, the clocks of others' clientIDs, and a stale compare-and-set.
 */
import type { SessionId, UserId } from "@copresence/shared/base";
import { addCounter, createObject, defaultRoles, defineScene, META_ROOT, migrateDocument, setField, t } from "@copresence/shared/scene";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import type { AppendRecord, CoreEffect } from "../../types.ts";
import { SceneDocument } from "../scene-document.ts";

const rule = (target: "type" | "zone" | "object", name: string, right: "create" | "edit" | "delete") =>
  ({ target, name, to: "everybody", who: "", right, allow: false }) as const;

export const fortress = defineScene({
  name: "fortress",
  version: 2,
  bounds: { min: [-10, -2, -10], max: [10, 10, 10] },
  zones: { vault: { min: [5, -2, 5], max: [10, 10, 10] } },
  roles: { ...defaultRoles, editor: { create: false, edit: true, grab: true, chat: true, moderate: false } },
  permissions: [
    rule("object", "valve-1", "delete"),
    rule("object", "exhibit", "edit"),
    rule("object", "exhibit", "delete"),
    rule("zone", "vault", "create"),
    rule("zone", "vault", "edit"),
    rule("zone", "vault", "delete"),
    rule("type", "plaque", "create"),
    rule("type", "plaque", "delete"),
  ],
  objects: {
    valve: {
      transform: t.leased(),
      label: t.text(),
      open: t.lww(t.boolean()),
      turns: t.counter(),
      tags: t.set(),
      parts: t.list(t.string()),
      reservedBy: t.cas(t.string()),
      serial: t.serverOnly(t.string()),
    },
    plaque: { label: t.text() },
    note: { transform: t.leased(), label: t.text() },
  },
});

export const SERVER_ID = 1;
export const VICTIM_ID = 10;
/** ClientIDs that attackers may write under; everything else is somebody's. */
export const ATTACKER_IDS = [66, 67, 68] as const;
const OPEN_AT = { position: [1, 1, 1], rotation: [0, 0, 0, 1], scale: 1 } as const;
const VAULT_AT = { position: [6, 1, 6], rotation: [0, 0, 0, 1], scale: 1 } as const;
const MOVED = { ...OPEN_AT, scale: 2 };
/** Objects and fields whose whole content is closed to attackers. */
const CLOSED_OBJECTS = ["exhibit", "safe"] as const;

export type AttackerRole = "member" | "editor" | "guest";

export class HostileRoom {
  readonly document: SceneDocument;
  /** What everybody sees. */
  readonly mirror = new Y.Doc();
  readonly log: AppendRecord[] = [];
  readonly role: AttackerRole;
  /** Milliseconds of processor time the last attack took the thread, its integration included. */
  tookMs = 0;
  /** What the mirror cost during the attack: it is no part of the room. */
  private mirrorMs = 0;
  private readonly victim = new Y.Doc();
  private readonly session = "mallory-s" as SessionId;
  private nowMs = 0;
  private before: string;
  private sealed: string;

  constructor(role: AttackerRole, state?: { readonly update: Uint8Array; readonly owners: ReadonlyMap<number, string> }) {
    this.role = role;
    this.document = new SceneDocument({ scene: fortress, epoch: 1, seq: 0, clientId: SERVER_ID });
    const loaded = state === undefined ? this.document.load(undefined, []) : this.document.load(state.update, [], state.owners);
    if (!loaded.ok) throw new Error(loaded.error.sentence);
    if (state === undefined) this.furnish();
    else Y.applyUpdate(this.mirror, state.update);
    this.enter();
    this.before = this.fingerprint();
    this.sealed = this.casVersion();
  }

  /** The document as a store would load it after the first `records` records, for measuring an attack again. */
  saved(records: number): { readonly update: Uint8Array; readonly owners: ReadonlyMap<number, string> } {
    const owners = new Map<number, string>();
    const doc = new Y.Doc();
    for (const { client, user, update } of this.log.slice(0, records)) {
      if (client !== 0 && !owners.has(client)) owners.set(client, user);
      Y.applyUpdate(doc, update);
    }
    const update = Y.encodeStateAsUpdate(doc);
    doc.destroy();
    return { update, owners };
  }

  /** One hostile update; what it broke, or undefined. */
  attack(update: Uint8Array): string | undefined {
    this.nowMs += 60_000;
    const message = updateMessage(update);
    const records = this.log.length;
    this.mirrorMs = 0;
    const startedMs = threadMs();
    const effects = this.document.receive(this.session, message, this.nowMs);
    this.perform(effects, true);
    this.tookMs = threadMs() - startedMs - this.mirrorMs;
    if (effects.some(({ kind }) => kind === "count" || kind === "close")) {
      this.document.leave(this.session);
      this.enter();
    }
    if (this.log.length === records) return undefined;
    if (this.role === "guest") return "an update of somebody who may not write was admitted";
    return this.broken();
  }

  /** What does not hold any more, read from the mirror [HR2]. */
  broken(): string | undefined {
    const now = this.fingerprint();
    if (now !== this.before) return `protected state ${this.before} became ${now}`;
    const cas = this.casVersion();
    if (cas !== this.sealed && !this.casFollows(cas)) return `a compare-and-set on ${this.sealed} let ${cas} through`;
    this.sealed = cas;
    return undefined;
  }

  /** The victim goes on working: undefined when that works. */
  victimWorks(): string | undefined {
    const vector = Y.encodeStateVector(this.victim);
    Y.applyUpdate(this.victim, Y.encodeStateAsUpdate(this.mirror, vector));
    const before = Y.encodeStateVector(this.victim);
    const open = this.document.object("valve-1")?.fields["open"] !== true;
    setField(this.victim, fortress, "valve-1", "open", open);
    addCounter(this.victim, "valve-1", "turns", String(VICTIM_ID), 1);
    this.join("victim", "member");
    this.nowMs += 60_000;
    const effects = this.document.receive("victim-s" as SessionId, updateMessage(Y.encodeStateAsUpdate(this.victim, before)), this.nowMs);
    this.perform(effects, false);
    this.document.leave("victim-s" as SessionId);
    this.before = this.fingerprint();
    if (effects.some(({ kind }) => kind === "count")) return "an honest edit was refused";
    return this.document.object("valve-1")?.fields["open"] === open ? undefined : "an honest edit was lost";
  }

  /** Every stored update loads into a document that is equal to the mirror. */
  reloads(): string | undefined {
    const doc = new Y.Doc();
    for (const { update } of this.log) Y.applyUpdate(doc, update);
    const complete = doc.store.pendingStructs === null && doc.store.pendingDs === null;
    const same = JSON.stringify(doc.getMap("objects").toJSON()) === JSON.stringify(this.mirror.getMap("objects").toJSON());
    doc.destroy();
    return complete && same ? undefined : "the log does not load to what everybody saw";
  }

  private furnish(): void {
    this.server((doc) => {
      migrateDocument(doc, fortress);
      createObject(doc, fortress, "valve", "valve-1", { label: "Pump", transform: OPEN_AT, turns: 3, parts: ["a", "b"], tags: ["t"] });
      createObject(doc, fortress, "valve", "exhibit", { label: "Do not touch", transform: OPEN_AT, parts: ["x"], tags: ["old"] });
      createObject(doc, fortress, "note", "safe", { label: "In the vault", transform: VAULT_AT });
      createObject(doc, fortress, "plaque", "plaque-1", { label: "1889" });
      for (const id of ["valve-1", "exhibit"]) doc.getMap<Y.Map<unknown>>("objects").get(id)?.set("serial", "A-1");
    });
    this.perform(this.document.writeTransform("valve-1", MOVED, "victim"), false);
    this.victim.clientID = VICTIM_ID;
    Y.applyUpdate(this.victim, Y.encodeStateAsUpdate(this.mirror));
    this.before = this.sealed = "";
    const failed = this.victimWorks();
    if (failed !== undefined) throw new Error(failed);
    const seen = Y.encodeStateVector(this.victim);
    const label = this.victim.getMap<Y.Map<unknown>>("objects").get("valve-1")?.get("label");
    if (label instanceof Y.Text) label.insert(4, " room");
    setField(this.victim, fortress, "valve-1", "reservedBy", "victim");
    this.join("victim", "member");
    this.perform(this.document.receive("victim-s" as SessionId, updateMessage(Y.encodeStateAsUpdate(this.victim, seen)), this.nowMs), false);
    this.document.leave("victim-s" as SessionId);
  }

  private server(change: (doc: Y.Doc) => void): void {
    this.perform(this.document.serverEdit("", change), false);
  }

  private enter(): void {
    this.join("mallory", this.role);
  }

  private join(user: string, role: string): void {
    const session = `${user}-s` as SessionId;
    this.document.join(session, { user: user as UserId, name: user, role }, "sdk");
    this.document.receive(session, STEP_1, this.nowMs);
  }

  /** Carries out appends at once; `watched` keeps the mirror's own work out of the attack's time. */
  private perform(effects: readonly CoreEffect[], watched: boolean): void {
    for (const effect of effects) {
      if (effect.kind !== "append") continue;
      const startedMs = threadMs();
      for (const record of effect.records) {
        this.log.push(record);
        Y.applyUpdate(this.mirror, record.update);
      }
      if (watched) this.mirrorMs += threadMs() - startedMs;
      this.perform(this.document.appended(effect.batch, true, "", this.nowMs), watched);
    }
  }
  private fingerprint(): string {
    const root = this.mirror.getMap<Y.Map<unknown>>("objects");
    const valve = root.get("valve-1");
    const turns = valve?.get("turns");
    const share = (key: number): unknown => (turns instanceof Y.Map ? turns.get(String(key)) : "gone");
    const parts: unknown[] = [this.mirror.getMap(META_ROOT).toJSON(), this.clocks()];
    parts.push(valve?.get("serial"), valve?.get("type"), valve?.get("transform"), share(VICTIM_ID), share(SERVER_ID));
    for (const id of CLOSED_OBJECTS) parts.push(root.get(id)?.toJSON() ?? "gone");
    let plaques = 0;
    for (const object of root.values()) if (!(object instanceof Y.Map) || object.get("type") === "plaque") plaques++;
    parts.push(plaques, [...this.mirror.share.keys()].sort());
    return JSON.stringify(parts);
  }

  private clocks(): number[] {
    return [SERVER_ID, VICTIM_ID].map((client) => Y.getState(this.mirror.store, client));
  }

  private casItem(): Y.Item | undefined {
    return this.mirror.getMap<Y.Map<unknown>>("objects").get("valve-1")?._map.get("reservedBy");
  }
  private casVersion(): string {
    const id = this.casItem()?.lastId;
    return id === undefined ? "" : `${id.client}:${id.clock}`;
  }
  /** Whether the newest value was written on top of the one before; several links when one update made several writes. */
  private casFollows(version: string): boolean {
    if (version === "") return true;
    const [client = 0, clock = 0] = this.sealed.split(":").map(Number);
    for (let item = this.casItem() ?? null; item !== null; item = item.left) {
      const { origin, id, lastId } = item;
      if (origin !== null && `${origin.client}:${origin.clock}` === this.sealed) return true;
      // Values that were replaced at once become one struct with those before them: each is written on top of its neighbour.
      if (id.client === client && id.clock <= clock && clock < lastId.clock) return true;
    }
    return this.sealed === "";
  }
}

/** Processor time of this thread: other processes' load is nobody's attack. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

const STEP_1 = new Uint8Array([0, 0, 1, 0]);

/** An update as a y-protocols message. */
export const updateMessage = (update: Uint8Array): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarUint(encoder, 2);
    encoding.writeVarUint8Array(encoder, update);
  });
