/**
 * A room's document on a real store, without room, sockets and clock: carries out what the document asks of the store, in order, and gives
 * everybody in it one shared replica that is ahead by what waits for the disk.
 */
import { docStep1, docUpdate } from "@copresence/client/node";
import { type CoreEffect, SceneDocument } from "@copresence/server/core";
import type { SceneStore } from "@copresence/server/store";
import type { SessionId, UserId } from "@copresence/shared/base";
import { OBJECTS_ROOT, type Scene } from "@copresence/shared/scene";
import * as Y from "yjs";

type Member = { readonly session: SessionId; client: number };

export class CrowdDocument {
  readonly document: SceneDocument;
  replica = new Y.Doc();
  edits = 0;
  reroots = 0;
  /** Longest the document held its thread for one slice of a re-rooting, ms. */
  slowestSliceMs = 0;
  nowMs = 0;
  private readonly store: SceneStore;
  private readonly scene: string;
  private epoch: number;
  private readonly members = new Map<string, Member>();
  private effects: CoreEffect[] = [];
  private sessions = 0;
  private clients = 1000;

  static async open(store: SceneStore, name: string, scene: Scene): Promise<CrowdDocument> {
    const loaded = await store.open(name);
    if (!loaded.ok) throw new Error(loaded.error.sentence);
    const { epoch, seq, snapshot, updates, owners } = loaded.value;
    const document = new SceneDocument({ scene, epoch, seq, clientId: 1 });
    const ready = document.load(snapshot, updates, owners);
    if (!ready.ok) throw new Error(ready.error.sentence);
    return new CrowdDocument(document, store, name, epoch);
  }

  private constructor(document: SceneDocument, store: SceneStore, scene: string, epoch: number) {
    this.document = document;
    this.store = store;
    this.scene = scene;
    this.epoch = epoch;
    this.watch();
    this.take(document.own.migrate());
  }

  /** Comes in, or comes back: with a session and a clientID of its own. */
  join(user: string): void {
    const before = this.members.get(user);
    if (before !== undefined) this.take(this.document.leave(before.session));
    const session = `s-${++this.sessions}` as SessionId;
    this.members.set(user, { session, client: ++this.clients });
    this.take(this.document.join(session, { user: user as UserId, name: user, role: "member" }, "sdk"));
    this.hello(session, new Map());
  }

  /** One edit of one person, on the shared replica. */
  edit(user: string, change: (doc: Y.Doc) => void): void {
    const member = this.members.get(user);
    if (member === undefined) return;
    this.replica.clientID = member.client;
    this.replica.transact(() => change(this.replica), member);
    this.edits++;
  }

  /** The room's own write at the end of a hold. */
  move(user: string, object: string, position: readonly [number, number, number], scale: number): void {
    this.take(this.document.writeTransform(object, { position, rotation: [0, 0, 0, 1], scale }, user));
    this.edits++;
  }

  /** Resolves when the store has done everything it was asked for. */
  async settle(): Promise<void> {
    for (let effect = this.effects.shift(); effect !== undefined; effect = this.effects.shift()) await this.perform(effect);
  }

  async compact(): Promise<void> {
    await this.settle();
    const compacted = await this.store.compact(this.scene, this.epoch);
    if (!compacted.ok) throw new Error(compacted.error.sentence);
    this.take(this.document.compacted(compacted.value.bytes, compacted.value.wear));
    await this.settle();
  }

  /** Bytes of what a person would read: the live content as JSON. */
  liveBytes(): number {
    return JSON.stringify(this.replica.getMap(OBJECTS_ROOT).toJSON()).length;
  }

  state(): Uint8Array {
    return this.document.state();
  }

  private watch(): void {
    this.replica.on("update", (update: Uint8Array, origin: unknown) => {
      const member = origin as Member | undefined;
      if (member?.session !== undefined) this.take(this.document.receive(member.session, docUpdate(update), this.nowMs));
    });
  }

  private hello(session: SessionId, knowing: ReadonlyMap<number, number>): void {
    this.take(this.document.receive(session, docStep1(Y.encodeStateVector(new Map(knowing))), this.nowMs));
  }

  private take(effects: readonly CoreEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "append" || effect.kind === "compact" || effect.kind === "reroot") this.effects.push(effect);
      if (effect.kind === "count" && (effect.metric === "edit_denied" || effect.metric === "malformed"))
        throw new Error("an honest edit was refused");
    }
  }

  private async perform(effect: CoreEffect): Promise<void> {
    if (effect.kind === "compact") return this.compact();
    if (effect.kind === "append") {
      const appended = await this.store.append(this.scene, this.epoch, effect.records);
      if (!appended.ok) throw new Error(appended.error.sentence);
      for (const { update } of effect.records) Y.applyUpdate(this.replica, update);
      return this.take(this.document.appended(effect.batch, true, "", this.nowMs));
    }
    if (effect.kind !== "reroot") return;
    const begun = await this.store.reroot(this.scene, this.epoch, effect.note);
    if (!begun.ok) throw new Error(begun.error.sentence);
    const { epoch, root, updates } = begun.value;
    this.epoch = epoch;
    this.reroots++;
    this.take(this.document.rerooted(begun.value));
    for (let renewed = false; !renewed;) {
      const before = performance.now();
      const tick = this.document.tick(this.nowMs);
      this.slowestSliceMs = Math.max(this.slowestSliceMs, performance.now() - before);
      renewed = tick.renewed;
      this.take(tick.effects);
    }
    this.replica = new Y.Doc();
    for (const update of updates) Y.applyUpdate(this.replica, update);
    this.watch();
    for (const member of this.members.values()) {
      member.client = ++this.clients;
      this.hello(member.session, new Map([[root, 0]]));
    }
  }
}
