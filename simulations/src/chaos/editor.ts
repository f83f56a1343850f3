/**
 * Somebody who writes notes through the SDK's own link, over a real socket, and remembers exactly what was acknowledged to them. Not a whole
 * SDK: it holds only what it wrote, so that twenty of them beside a ten-megabyte document cost nothing.
 *
 * [ED1] An acknowledged clock must be in the room's state vector at every later join; `lost` counts those that are not.
 * [ED2] An acknowledged marker must be in the note it was written into, and an acknowledged deletion must stay: `missingFrom`.
 * [ED3] What was not acknowledged is offered again on the next link, as any Yjs peer would.
 */
import { colyseusDialer, devTickets, docStep2, docUpdate, type Link, readDocMessage } from "@copresence/client/node";
import { decodeDown, encodeMessage } from "@copresence/shared/protocol";
import { addCounter, createObject, deleteObject, setField, textField } from "@copresence/shared/scene";
import * as Y from "yjs";
import type { Random } from "../random.ts";
import notes from "./notes-scene.ts";

/** A note is full after this many markers; its writer begins another, and deletes the one before. */
const MARKERS = 60;

/** What one sent message promises once it is acknowledged. */
type Pledge = {
  readonly message: number;
  readonly sentMs: number;
  readonly clock: number;
  readonly markers: readonly Marker[];
  readonly gone: readonly string[];
};
type Marker = { readonly note: string; readonly text: string };

export class Editor {
  /** Milliseconds from sending to acknowledgement, of every edit. */
  readonly latencies: number[] = [];
  acked = 0;
  denied = 0;
  lost = 0;
  /** When the room last said that it cannot save, and that it can again (performance.now()). */
  storageBadMs: number | undefined;
  storageGoodMs: number | undefined;
  lastAckMs = 0;
  private readonly name: string;
  private readonly random: Random;
  private readonly doc = new Y.Doc();
  private readonly user: string;
  private link: Link | undefined;
  private sent = 0;
  private settled = 0;
  private promises: Pledge[] = [];
  private ackedClock = 0;
  private readonly ackedMarkers: Marker[] = [];
  private readonly ackedGone = new Set<string>();
  /** The room is read-only: edits are kept until it asks for them. */
  private held = false;
  private note = 0;
  private markers = 0;
  private serial = 0;
  private fresh: { markers: Marker[]; gone: string[] } = { markers: [], gone: [] };
  private onReady: (() => void) | undefined;

  constructor(name: string, random: Random) {
    this.name = name;
    this.random = random;
    this.user = `user-${name}`;
    this.doc.on("update", (update: Uint8Array) => this.link !== undefined && !this.held && this.send(docUpdate(update)));
  }

  /** Resolves true once the room has said what it has and has been given what it lacked; false when the room is gone. */
  async join(url: string, space: string): Promise<boolean> {
    const ready = new Promise<true>((resolve) => {
      this.onReady = () => resolve(true);
    });
    let gone: (() => void) | undefined;
    const closed = new Promise<false>((resolve) => {
      gone = () => resolve(false);
    });
    this.sent = this.settled = 0;
    this.held = false;
    this.takeBack(0);
    let early: (readonly [number, Uint8Array])[] | undefined = [];
    try {
      const ticket = await devTickets(url, { space, name: this.name, user: this.user })();
      const link = await colyseusDialer(
        { url, space, ticket },
        {
          onMessage: (id, body) => (early === undefined ? this.onMessage(id, body) : void early.push([id, body.slice()])),
          onSession: () => undefined,
          onClosed: () => {
            this.link = undefined;
            gone?.();
          },
        },
      );
      this.link = link;
      const waiting = early;
      early = undefined;
      for (const [id, body] of waiting) this.onMessage(id, body);
    } catch {
      return false;
    }
    return Promise.race([ready, closed]);
  }

  leave(): void {
    this.link?.close();
    this.link = undefined;
  }

  get up(): boolean {
    return this.link !== undefined;
  }

  /** One edit: mostly a marker at the end of the current note, now and then another field, a new note, or the end of an old one. */
  edit(): void {
    if (this.link === undefined) return;
    const note = this.noteId(this.note);
    this.doc.transact(() => {
      if (this.markers === 0) {
        createObject(this.doc, notes, "note", note);
        const old = this.noteId(this.note - 2);
        if (this.note >= 2 && deleteObject(this.doc, old)) this.fresh.gone.push(old);
      }
      if (this.random.chance(0.15)) setField(this.doc, notes, note, "color", this.random.chance(0.5) ? "#112233" : "#445566");
      if (this.random.chance(0.15)) addCounter(this.doc, note, "votes", String(this.doc.clientID), 1);
      const text = `<${this.serial++}>`;
      const body = textField(this.doc, note, "body");
      body?.insert(body.length, text);
      this.fresh.markers.push({ note, text });
    });
    this.markers = (this.markers + 1) % MARKERS;
    if (this.markers === 0) this.note++;
  }

  /** Acknowledged things that a document of the scene lacks, in words. */
  missingFrom(doc: Y.Doc): string[] {
    const missing: string[] = [];
    for (const { note, text } of this.ackedMarkers) {
      if (!this.ackedGone.has(note) && !this.pendingGone(note) && textField(doc, note, "body")?.toString().includes(text) !== true)
        missing.push(`${note} lacks ${text}`);
    }
    for (const note of this.ackedGone) if (doc.getMap("objects").has(note)) missing.push(`${note} is back`);
    return missing;
  }

  /** A deletion that was made but not acknowledged may or may not have happened. */
  private pendingGone(note: string): boolean {
    return !this.doc.getMap("objects").has(note);
  }

  private noteId(note: number): string {
    return `${this.name}-${note}`;
  }

  private send(body: Uint8Array): void {
    const { markers, gone } = this.fresh;
    this.fresh = { markers: [], gone: [] };
    this.promises.push({ message: ++this.sent, sentMs: performance.now(), clock: Y.getState(this.doc.store, this.doc.clientID), markers, gone });
    this.link?.send(encodeMessage({ type: "sync", body }), false);
  }

  private onMessage(id: number, body: Uint8Array): void {
    const decoded = decodeDown(id, body);
    if (!decoded.ok) throw new Error(`the server sent an unreadable message: ${decoded.error.message}`);
    const message = decoded.value;
    if (message.type === "ack") this.onAck(message.updates);
    else if (message.type === "denied") this.onDenied(message.reason, message.ref);
    else if (message.type === "storage") this.onStorage(message.state);
    else if (message.type === "syncDown") {
      const inner = readDocMessage(message.body);
      if (inner.kind === "step1") this.onRoomVector(inner.vector);
    }
  }

  private onDenied(reason: string, ref: number): void {
    if (reason !== "read-only") return void this.denied++;
    this.held = true;
    this.takeBack(this.settled + ((ref - this.settled) & 0xffff || 0x10000));
  }

  /** What was sent from message `from` on has not been taken; it belongs to what is sent next. */
  private takeBack(from: number): void {
    const back = this.promises.filter(({ message }) => message >= from);
    this.promises = this.promises.filter(({ message }) => message < from);
    const { markers, gone } = this.fresh;
    this.fresh = { markers: [...back.flatMap((pledge) => pledge.markers), ...markers], gone: [...back.flatMap((pledge) => pledge.gone), ...gone] };
  }

  private onStorage(state: "bad" | "good"): void {
    if (state === "bad") this.storageBadMs = performance.now();
    else this.storageGoodMs = performance.now();
  }

  private onAck(updates: number): void {
    this.settled = Math.max(this.settled, updates);
    this.lastAckMs = performance.now();
    while ((this.promises[0]?.message ?? Number.POSITIVE_INFINITY) <= this.settled) {
      const { clock, markers, gone, sentMs } = this.promises.shift() as Pledge;
      this.ackedClock = Math.max(this.ackedClock, clock);
      this.ackedMarkers.push(...markers);
      for (const note of gone) this.ackedGone.add(note);
      this.latencies.push(this.lastAckMs - sentMs);
      this.acked++;
    }
  }

  /** [ED1] [ED3] */
  private onRoomVector(vector: Uint8Array): void {
    const has = Y.decodeStateVector(vector).get(this.doc.clientID) ?? 0;
    if (has < this.ackedClock) this.lost += this.ackedClock - has;
    this.held = false;
    this.send(docStep2(Y.encodeStateAsUpdate(this.doc, vector)));
    this.onReady?.();
  }
}
