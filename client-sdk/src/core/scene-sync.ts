/**
 * The scene document on this side of the link: optimistic here, durable there, and nothing lost in between.
 *
 * [SS1] Every local edit is in the outbox until the room says that it is on disk. On a new link all of it is sent again, whatever the
 *       room's state vector says: that counts what only waits for the disk. Yjs makes repetition harmless.
 * [SS2] `saved` is a function of outbox, link and storage, computed in one place.
 * [SS3] At most one message per SEND_SPACING_MS: edits in between are merged, so a loop of a thousand edits is a few messages.
 *       A transaction that is more than the room takes at once goes in parts (split-edit.ts), at the same pace: half of what a session may send.
 * [SS4] A refused edit is undone by fetching the document anew and making the edits that were not refused again, once the room has
 *       settled everything before it. The room ignores what was sent after it; until the fetch nothing more is sent.
 * [SS5] A document of another epoch (re-rooted by the server, between two links or under one) is never merged with: it replaces ours, and our
 *       unsaved edits are made again where they were meant (rebase-epoch.ts). The cache names the new epoch together with the new document.
 *       So it is when the ticket made us another person: a client id belongs to whom it was first used by.
 * [SS6] `read-only` is no refusal: those edits stay in the outbox until the room asks for them.
 * [SS7] With a cache, what is in the outbox is on the device too, until it is settled; a refused edit leaves it together with the document
 *       that had it, never before.
 * [SS8] What a room lacks of what it had (a store from a backup) is sent before the outbox where it is ours, in parts; where it is others', the
 *       document is fetched anew as in SS4 (lost-edits.ts).
 *
 * Bytes are y-protocols' as y-websocket frames them. The room counts our step-2 and update messages from 1; `ack.updates` is how many are
 * settled, `denied.ref` (16 bits) which one was refused, followed by y-protocols' "permission denied".
 */
import * as Y from "yjs";
import { type DeniedReason, LIMITS } from "@copresence/shared/protocol";
import { NOTHING, OBJECTS_ROOT } from "@copresence/shared/scene";
import { docStep1, docStep2, docUpdate, FRAME_BYTES, readDocMessage } from "./doc-wire.ts";
import { captureEdits, type Edit, replayEdits } from "./edit-journal.ts";
import { isKnown } from "./known-edits.ts";
import type { ClientClock, Scheduler } from "./link.ts";
import { lostEdits } from "./lost-edits.ts";
import { editOf, Outbox, type OutboxEntry, type OutboxPart } from "./outbox.ts";
import { Rebase } from "./rebase.ts";
import { acrossEpochs } from "./rebase-epoch.ts";
import { type Random, randomUint32 } from "./random.ts";
import { ReturnReport } from "./return-report.ts";
import type { SceneCache } from "./scene-cache.ts";
import type { MergeReport, SavedState } from "./space-types.ts";
import { splitEdit } from "./split-edit.ts";

/** The room lets a session write under 16 client ids; every replaced document takes one. A fresh session gets sixteen more. */
const MAX_REPLACED = 12;
const SEND_SPACING_MS = 20;
export type SceneSyncOptions = {
  readonly clock: ClientClock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Sends y-protocols bytes, ordered. Called only between `linkUp` and `linkDown`. */
  readonly send: (body: Uint8Array) => void;
  readonly onSaved: (state: SavedState) => void;
  /** The first full state on this link is in. */
  readonly onSynced: () => void;
  /** `doc` is another one now. */
  readonly onReplaced: (doc: Y.Doc, before: Y.Doc) => void;
  /** Ids of objects that changed, for whatever reason. */
  readonly onChanged: (ids: ReadonlySet<string>) => void;
  /** An edit can never be sent; it is being undone. */
  readonly onTooLarge: (bytes: number) => void;
  /** This session has used up its client ids: a new link is needed to go on editing. */
  readonly onIdsSpent: () => void;
  /** All edits made without a link are settled. */
  readonly onMerged: (report: MergeReport) => void;
  readonly cache?: SceneCache | undefined;
};

/** What the room refused. */
export type Refusal = {
  readonly ref: number;
  readonly reason: DeniedReason;
  readonly object: string;
  readonly field: string;
  readonly sentence: string;
};

/**
 * `down` no link · `hello` waiting for the room's state · `open` · `held` the store is in trouble: waiting for the room to ask ·
 * `settling` something was refused: waiting until what came before it is durable · `fetching` waiting for the room's document.
 */
type Phase = "down" | "hello" | "open" | "held" | "settling" | "fetching";

export class SceneSync {
  doc: Y.Doc;
  saved: SavedState = "saved";
  private readonly options: SceneSyncOptions;
  private phase: Phase = "down";
  private readonly outbox = new Outbox();
  private readonly report: ReturnReport;
  private captured: Edit[] = [];
  /** What own edits changed, told once they have left: the room need not wait for the application's listeners. */
  private readonly changed: ReadonlySet<string>[] = [];
  /** Ids of edits: unique among the sessions and tabs of a device. */
  private readonly idPrefix: string;
  private edits = 0;
  /** The edit that is being made again. */
  private again: OutboxPart | undefined;
  /** Restored from the device and not yet known to be this person's. */
  private restored: ReadonlySet<string> = new Set();
  /** Refused, and still in the document [SS7]. */
  private doomed: string[] = [];
  /** The newest edits were refused. */
  private refusedLast = false;
  private epoch: number | undefined;
  private user: string | undefined;
  private storageBad = false;
  /** The first full state on this link is in. */
  synced = false;
  /** Messages sent, and settled, on this link. */
  private sent = 0;
  private settledCount = 0;
  /** The replica has an edit the room refused; survives the link. */
  private diverged = false;
  /** The document that is on its way has other ids than ours throughout. */
  private otherEpoch = false;
  /** Everything up to this message must be settled before the document is fetched. */
  private settleAt = 0;
  /** The room asked what we have: the next message answers as a step 2. */
  private owesAnswer = false;
  private lastDenied: Refusal | undefined;
  /** What the room said it has while its document was on the way. */
  private roomVector: Uint8Array | undefined;
  private replaced = 0;
  private lastSendMs = Number.NEGATIVE_INFINITY;
  private cancelFlush: (() => void) | undefined;
  private detach: () => void = () => undefined;

  constructor(options: SceneSyncOptions) {
    this.options = options;
    this.report = new ReturnReport(options.onMerged);
    this.idPrefix = `${randomUint32(options.random).toString(36)}-`;
    this.doc = this.adopt(new Y.Doc());
  }

  /** Shows what the device has kept. Once, before the first link. */
  restore(): void {
    const found = this.options.cache?.found;
    if (found === undefined) return;
    this.epoch = found.epoch;
    this.user = found.user;
    this.restored = new Set(found.pending.flatMap((part) => [part.id, editOf(part)]));
    for (const update of found.confirmed) Y.applyUpdate(this.doc, update, this);
    for (const part of found.pending) {
      Y.applyUpdate(this.doc, part.update, this);
      this.outbox.push(part);
      this.report.made(editOf(part), part.edits);
    }
    this.reportSaved();
  }

  /** Whether there is a document from the device to work with. */
  get hasRestored(): boolean {
    return this.options.cache?.found !== undefined;
  }

  /** A new link to a room whose document is of `epoch`, as `user`. */
  linkUp(epoch: number, user: string): void {
    this.sent = this.settledCount = this.replaced = 0;
    this.synced = this.storageBad = this.owesAnswer = false;
    this.lastDenied = this.roomVector = undefined;
    this.outbox.unsend();
    this.otherEpoch ||= this.epoch !== undefined && this.epoch !== epoch;
    const foreign = this.otherEpoch || (this.epoch !== undefined && this.user !== user);
    if (this.user !== user) this.becomeUser(user);
    if (this.epoch === undefined) this.options.cache?.write({ kind: "epoch", epoch });
    this.epoch = epoch;
    this.user = user;
    this.restored = new Set();
    if (foreign || this.diverged) this.fetch();
    else {
      this.phase = "hello";
      this.options.send(docStep1(Y.encodeStateVector(this.doc)));
    }
    this.reportSaved();
  }

  linkDown(): void {
    this.phase = "down";
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    this.reportSaved();
  }

  /** y-protocols bytes from the room. Our own server's: a malformed message is a bug there and throws here. */
  receive(body: Uint8Array): void {
    const message = readDocMessage(body);
    switch (message.kind) {
      case "step1":
        return this.onStateVector(message.vector);
      case "step2":
      case "update":
        return this.onUpdate(message.update, message.kind === "step2");
      case "denied":
        if (this.lastDenied !== undefined) this.onRefused(this.lastDenied);
        return;
      case "other":
        return;
    }
  }

  /** The first `updates` messages of this link are settled. */
  onAck(updates: number): void {
    this.settledCount = Math.max(this.settledCount, updates);
    for (const { update, parts } of this.outbox.settled(this.settledCount)) this.confirm(update, parts);
    this.settle();
    this.reportSaved();
  }

  /**
   * The room acknowledges by an epoch. Another than ours: it has re-rooted its document, and ignores us until we ask for it by its `root`
   * [SS5]. Nothing that was sent on the old one and is not acknowledged by now counts.
   */
  onEpoch(epoch: number, root: number): void {
    if (this.phase === "down" || epoch === this.epoch) return;
    this.epoch = epoch;
    this.otherEpoch = true;
    this.outbox.unsend();
    this.lastDenied = this.roomVector = undefined;
    this.owesAnswer = false;
    // Client ids are counted per document.
    this.replaced = 0;
    this.fetch(new Map([[root, 0]]));
    this.reportSaved();
  }

  /** The room refused something, not necessarily an edit: an edit's refusal is followed by "permission denied", or is `read-only`. */
  onDenied(refusal: Refusal): void {
    this.lastDenied = refusal;
    if (refusal.reason !== "read-only") return;
    this.outbox.unsend(this.numberOf(refusal.ref));
    if (this.phase === "open") this.phase = "held";
    this.reportSaved();
  }

  onStorage(bad: boolean): void {
    this.storageBad = bad;
    this.reportSaved();
  }

  /** Whether everything is on the room's disk. */
  get clean(): boolean {
    return this.outbox.empty;
  }

  destroy(): void {
    this.linkDown();
    this.detach();
  }

  // ---------------------------------------------------------------------------------------------------------------- from the room

  private onStateVector(vector: Uint8Array): void {
    this.owesAnswer = true;
    if (this.phase === "fetching") this.roomVector = vector;
    if (this.phase === "hello" || this.phase === "held") this.phase = "open";
    if (this.phase === "open") this.mend(vector);
    this.flush();
    this.reportSaved();
  }

  /** The room says what it has: at its start, or because an edit builds on what it has lost [SS8]. */
  private mend(vector: Uint8Array): void {
    const lost = lostEdits(this.doc, vector, this.outbox.parts());
    this.outbox.beginWith(lost ?? []);
    if (lost === undefined) this.diverge(this.settledCount);
  }

  private onUpdate(update: Uint8Array, isFullState: boolean): void {
    if (isFullState && this.phase === "fetching") this.startAnew(update);
    else {
      Y.applyUpdate(this.doc, update, this);
      this.options.cache?.write({ kind: "confirm", update });
    }
    if (!isFullState) return;
    this.flush();
    if (this.synced) return;
    this.synced = true;
    this.options.onSynced();
    this.settle();
  }

  // ------------------------------------------------------------------------------------------------------------------- local edits

  private onLocalUpdate(update: Uint8Array, { deleteSet }: Y.Transaction): void {
    const edits = this.captured;
    this.captured = [];
    const { again } = this;
    this.again = undefined;
    const id = again?.id ?? `${this.idPrefix}${this.edits++}`;
    const pieces = splitEdit(this.doc, update, edits, deleteSet.clients);
    const of = again?.of ?? (pieces.length > 1 ? id : undefined);
    for (const [index, piece] of pieces.entries()) {
      const part = { id: pieces.length === 1 ? id : `${id}.${index}`, ...(of === undefined ? {} : { of }), client: this.doc.clientID, ...piece };
      if (again === undefined && this.phase === "down") this.report.made(editOf(part), piece.edits);
      this.outbox.push(part);
      this.options.cache?.write({ kind: "add", edit: part });
    }
    if (again === undefined) this.refusedLast = false;
    else if (pieces.length > 1) {
      this.report.split(editOf(again), pieces.length);
      this.options.cache?.write({ kind: "drop", ids: [id] });
    }
    if (this.cancelFlush === undefined) {
      const waitMs = Math.max(0, this.lastSendMs + SEND_SPACING_MS - this.options.clock.now());
      if (waitMs === 0) this.flush();
      else if (this.phase === "open") this.cancelFlush = this.options.scheduler.after(waitMs, () => this.flush());
    }
    this.reportSaved();
  }

  /** Sends what waits, one merged message now and the rest at its pace [SS3]. */
  private flush(): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    if (this.phase !== "open") return;
    const entry = this.outbox.next();
    if (entry === undefined && !this.owesAnswer) return;
    const update = entry?.update ?? NOTHING;
    if (entry !== undefined && update.length + FRAME_BYTES > LIMITS.syncBytes) return this.tooLarge(entry);
    const answer = this.owesAnswer;
    this.owesAnswer = false;
    this.sent++;
    if (entry !== undefined) entry.sentAs = this.sent;
    this.lastSendMs = this.options.clock.now();
    this.options.send(answer ? docStep2(update) : docUpdate(update));
    if (this.outbox.hasUnsent) this.cancelFlush = this.options.scheduler.after(SEND_SPACING_MS, () => this.flush());
  }

  // ----------------------------------------------------------------------------------------------------------------------- refusal

  private onRefused({ ref, reason, object, field, sentence }: Refusal): void {
    this.lastDenied = undefined;
    const number = this.numberOf(ref);
    // "Too many" without an object is the room's queue, "client-id" our replica: the edit itself is fine and is made again.
    const transient = (reason === "too-many" || reason === "client-id") && object === "";
    if (!transient) this.doom(this.outbox.refused(number, object, field), reason, sentence);
    this.outbox.unsend(number);
    this.diverge(number);
  }

  private tooLarge(entry: OutboxEntry): void {
    this.doom(this.outbox.remove(entry), "too-large", "This edit is more than the room takes in one message.");
    this.options.onTooLarge(entry.update.length);
    this.diverge(this.sent);
  }

  private diverge(settleAt: number): void {
    this.diverged = true;
    this.settleAt = settleAt;
    if (this.phase === "open" || this.phase === "held") this.phase = "settling";
    this.settle();
    this.reportSaved();
  }

  /** Once all before the refusal is durable, the fetched document has it [SS4]. Before the first full state that would be taken for the answer. */
  private settle(): void {
    if (this.phase === "settling" && this.synced && this.settledCount >= this.settleAt) this.fetch();
  }

  /** The message that a 16-bit `ref` names: the only one under way with these bits. */
  private numberOf(ref: number): number {
    return this.settledCount + ((ref - this.settledCount) & 0xffff || 0x10000);
  }

  /** `knowing`: what the room's answer may leave out. */
  private fetch(knowing: ReadonlyMap<number, number> = new Map()): void {
    this.phase = "fetching";
    this.options.send(docStep1(Y.encodeStateVector(new Map(knowing))));
  }

  private startAnew(state: Uint8Array): void {
    const before = this.doc;
    this.detach();
    this.diverged = false;
    const doc = new Y.Doc();
    Y.applyUpdate(doc, state, this);
    // What the room has got although its ack was lost is in the state already, or will come when it is durable.
    const [known, lacking] = partition(this.outbox.takeParts(), isKnown(doc, this.roomVector));
    this.doc = this.adopt(doc);
    this.phase = "open";
    if (this.otherEpoch && this.epoch !== undefined) this.options.cache?.write({ kind: "epoch", epoch: this.epoch });
    this.options.cache?.write({ kind: "replace", state });
    this.options.cache?.write({ kind: "drop", ids: [...this.doomed.splice(0), ...known.map(({ id }) => id)] });
    for (const part of known) this.report.saved(editOf(part));
    this.options.onReplaced(this.doc, before);
    const rebase = new Rebase(before, this.otherEpoch ? acrossEpochs(before, doc, lacking) : []);
    this.otherEpoch = false;
    for (const part of lacking) this.makeAgain(part, rebase);
    this.options.onChanged(differentIds(before, this.doc));
    before.destroy();
    if (++this.replaced >= MAX_REPLACED) this.options.onIdsSpent();
    this.reportSaved();
  }

  /** On the new document, under its old id. What it changed may be gone, and it with it. */
  private makeAgain(part: OutboxPart, rebase: Rebase): void {
    this.again = part;
    replayEdits(this.doc.getMap(OBJECTS_ROOT), part.edits, part.client, rebase);
    if (this.again === undefined) return;
    this.again = undefined;
    // A part may only have said again what another part says.
    if (part.edits.length === 0) this.report.saved(editOf(part));
    else this.report.refused(editOf(part), "unknown-object", "What it changed is no longer there.");
    this.options.cache?.write({ kind: "drop", ids: [part.id] });
  }

  // -------------------------------------------------------------------------------------------------------------------- the device

  /** The room knows us as somebody else than the device does, or as somebody at all. */
  private becomeUser(user: string): void {
    this.outbox.forget(this.restored);
    this.report.forget(this.restored);
    // What was edited in this session moves to this person's copy [SS5]; before the first join it was in none.
    const { cache } = this.options;
    const parts = this.outbox.parts();
    if (this.user !== undefined) cache?.write({ kind: "drop", ids: parts.map(({ id }) => id) });
    cache?.become(user);
    for (const edit of parts) cache?.write({ kind: "add", edit });
  }

  private confirm(update: Uint8Array, parts: readonly OutboxPart[]): void {
    for (const part of parts) this.report.saved(editOf(part));
    this.options.cache?.write({ kind: "confirm", update });
    this.options.cache?.write({ kind: "drop", ids: parts.map(({ id }) => id) });
  }

  private doom(parts: readonly OutboxPart[], reason: DeniedReason, sentence: string): void {
    for (const part of parts) {
      this.doomed.push(part.id);
      this.report.refused(editOf(part), reason, sentence);
    }
    this.refusedLast = true;
  }

  private adopt(doc: Y.Doc): Y.Doc {
    doc.clientID = randomUint32(this.options.random);
    const root = doc.getMap(OBJECTS_ROOT);
    const onDeep = (events: Y.YEvent<Y.AbstractType<unknown>>[], transaction: Y.Transaction): void => {
      const ids = changedIds(events, root);
      if (transaction.origin === this) return this.options.onChanged(ids);
      this.captured.push(...captureEdits(events, doc.clientID));
      this.changed.push(ids);
    };
    const onUpdate = (update: Uint8Array, origin: unknown, _: Y.Doc, transaction: Y.Transaction): void => {
      if (origin === this) return;
      this.onLocalUpdate(update, transaction);
      for (const ids of this.changed.splice(0)) this.options.onChanged(ids);
    };
    root.observeDeep(onDeep as never);
    doc.on("update", onUpdate);
    this.detach = () => {
      root.unobserveDeep(onDeep as never);
      doc.off("update", onUpdate);
    };
    return doc;
  }

  private reportSaved(): void {
    const state = this.judgeSaved();
    if (state === this.saved) return;
    this.saved = state;
    this.options.onSaved(state);
  }

  private judgeSaved(): SavedState {
    if (this.phase !== "down" && this.storageBad) return "storage-trouble";
    if (this.outbox.empty) return this.refusedLast ? "denied" : "saved";
    return this.phase === "down" ? "offline" : "saving";
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): readonly [yes: readonly T[], no: readonly T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

function changedIds(events: readonly Y.YEvent<Y.AbstractType<unknown>>[], root: Y.Map<unknown>): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const event of events) {
    if (event.target === (root as unknown)) for (const id of event.changes.keys.keys()) ids.add(id);
    else ids.add(String(event.path[0]));
  }
  return ids;
}

function differentIds(before: Y.Doc, after: Y.Doc): ReadonlySet<string> {
  const old = before.getMap(OBJECTS_ROOT).toJSON();
  const now = after.getMap(OBJECTS_ROOT).toJSON();
  const ids = [...Object.keys(old), ...Object.keys(now)];
  return new Set(ids.filter((id) => JSON.stringify(old[id]) !== JSON.stringify(now[id])));
}
