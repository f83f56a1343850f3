/**
 * A world in a box: the real server core, real client cores and synthetic people over virtual time, links and disk, watched by the checkers.
 *
 * [WO1] A seed and a scenario decide everything; two runs of a seed give the same trace hash (PROMISES P3).
 * [WO2] Checkers look every frame; convergence and durability are judged after the world has healed.
 */
import { type Dialer, type LinkHandlers, type Space, startSpace } from "@copresence/client/core";
import type { SessionDelta } from "@copresence/server/core";
import { assert, type SessionId } from "@copresence/shared/base";
import { decodeDown, messageName } from "@copresence/shared/protocol";
import { listObjects, type Scene } from "@copresence/shared/scene";
import * as Y from "yjs";
import { SyntheticPerson } from "../people/index.ts";
import { Random } from "../random.ts";
import type { Bug } from "./bugs.ts";
import {
  checkFinite,
  type DisplayBounds,
  DisplayChecker,
  type DisplayError,
  DurabilityChecker,
  HolderChecker,
  TrueMotion,
  Violations,
} from "./checkers.ts";
import { TraceHash } from "./trace-hash.ts";
import { VirtualDisk } from "./virtual-disk.ts";
import { type LinkProfile, PROFILES, VirtualStream } from "./virtual-link.ts";
import { type Down, VirtualRoom } from "./virtual-room.ts";
import { VirtualTime } from "./virtual-time.ts";

export type WorldOptions = {
  readonly seed: number;
  readonly scene: Scene;
  readonly tickRateHz: number;
  readonly bug: Bug;
  /** Displayed head error allowed over the run, m. */
  readonly display: DisplayBounds;
};

/** How long a partition may last before both ends take the link for dead. */
const LINK_PATIENCE_MS = 4000;
const FRAME_MS = 1000 / 60;
/** People are judged on where they are shown once their playout has settled, and not while either end's network is in trouble. */
const SETTLE_MS = 1500;

/** One person: a client core, a body, and a link that can be troubled. */
export class Inhabitant {
  readonly space: Space;
  readonly truth = new TrueMotion(240);
  readonly person: SyntheticPerson;
  /** World time until which displayed error is not judged. */
  troubledUntilMs = SETTLE_MS;
  session: SessionId | undefined;
  up: VirtualStream<Uint8Array> | undefined;

  constructor(space: Space, person: SyntheticPerson) {
    this.space = space;
    this.person = person;
  }
}

export class World {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly violations = new Violations();
  readonly trace = new TraceHash();
  readonly room: VirtualRoom;
  readonly people: Inhabitant[] = [];
  /** Set when the script is over: nobody starts anything new. */
  quiet = false;
  private readonly disk: VirtualDisk;
  private readonly options: WorldOptions;
  private readonly holders: HolderChecker;
  private readonly durability: DurabilityChecker;
  private readonly display: DisplayChecker;
  private readonly local = new Float64Array(21);

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.disk = new VirtualDisk(this.time, this.random.fork("disk"));
    this.holders = new HolderChecker(this.violations);
    this.durability = new DurabilityChecker(this.violations);
    this.display = new DisplayChecker(options.display);
    this.room = new VirtualRoom({
      time: this.time,
      disk: this.disk,
      scene: options.scene,
      tickRateHz: options.tickRateHz,
      seed: options.seed,
      bug: options.bug,
      trace: this.trace,
      hides: (text) => text.includes("grawlix"),
      onDelta: (delta: SessionDelta) => this.holders.observe(delta, this.time.nowMs),
    });
    this.room.start();
  }

  /** Somebody comes in; resolves when they are in the room. */
  async enter(name: string, profile: LinkProfile = PROFILES.wifi): Promise<Inhabitant> {
    const { time, options } = this;
    const random = this.random.fork(`person ${name}`);
    const holder: { inhabitant?: Inhabitant } = {};
    const { space, ready } = startSpace({
      url: "virtual://room",
      space: "sim",
      ticket: () => name,
      scene: options.scene,
      dialer: this.dialer(name, profile, random, holder),
      clock: { now: time.now },
      scheduler: { after: time.after },
      random: () => random.next(),
    });
    const door = { open: false };
    ready.then(() => (door.open = true)).catch((error: unknown) => this.violations.report("join", time.nowMs, String(error)));
    for (let waitedMs = 0; !door.open && waitedMs < 5000; waitedMs += 5) await time.runUntil(time.nowMs + 5);
    assert(door.open, `${name} could not join the simulated room`);
    const inhabitant = new Inhabitant(space, new SyntheticPerson({ seed: random.u32(), style: random.pick(["wander", "gesture", "work"]) }));
    inhabitant.session = this.sessions.get(name);
    inhabitant.up = this.ups.get(name);
    holder.inhabitant = inhabitant;
    inhabitant.troubledUntilMs = time.nowMs + SETTLE_MS;
    const index = this.people.push(inhabitant) - 1;
    // Spread over the frame, as unsynchronised displays are.
    time.after(random.between(0, FRAME_MS), () => time.every(FRAME_MS, () => this.frame(inhabitant, index)));
    return inhabitant;
  }

  /** Both directions of a person's link hold everything back for `forMs`; longer than anybody waits breaks it. */
  partition(inhabitant: Inhabitant, forMs: number): void {
    const untilMs = this.time.nowMs + forMs;
    inhabitant.troubledUntilMs = Math.max(inhabitant.troubledUntilMs, untilMs + 2 * SETTLE_MS);
    const { session } = inhabitant;
    if (session === undefined) return;
    inhabitant.up?.hold(untilMs);
    this.room.holdDown(session, untilMs);
    if (forMs > LINK_PATIENCE_MS) this.time.after(LINK_PATIENCE_MS, () => this.room.breakLink(session));
  }

  /** The server dies without a word and is back after `downMs`, with a store from a backup if it `forgets` acknowledged records. */
  crash(downMs: number, forgets = 0): void {
    this.room.crash();
    this.disk.forget(forgets);
    this.holders.reset();
    this.time.after(downMs, () => {
      this.room.start();
      this.checkDurability();
    });
  }

  /** Lets the world come to rest and judges what must hold then. */
  async heal(): Promise<DisplayError> {
    const { time, violations } = this;
    const deadline = time.nowMs + 30_000;
    const resting = (): boolean => this.people.every(({ space }) => space.status === "live" && space.saved === "saved");
    while (!resting() && time.nowMs < deadline) await time.runUntil(time.nowMs + 100);
    await time.runUntil(time.nowMs + 1200);
    for (const [i, { space }] of this.people.entries())
      if (space.status !== "live" || space.saved !== "saved")
        violations.report("healing", time.nowMs, `person ${i} is ${space.status} and ${space.saved}`);
    this.checkDurability();
    this.checkConvergence();
    this.checkHolders();
    return this.display.finish(time.nowMs, violations);
  }

  private readonly sessions = new Map<string, SessionId>();
  private readonly ups = new Map<string, VirtualStream<Uint8Array>>();

  private dialer(name: string, profile: LinkProfile, random: Random, holder: { inhabitant?: Inhabitant }): Dialer {
    return async (_request, handlers) => {
      let closed = false;
      const deliver = (item: Down): void => {
        if (closed) return;
        if (item.kind === "closed") closed = true;
        this.deliver(item, handlers);
      };
      const session = this.room.join({ user: name, name, role: "member" }, profile, random.fork(`down ${this.time.nowMs}`), deliver);
      if (session === undefined) throw { code: 1006, sentence: "The server is not there.", retryable: true };
      const up = new VirtualStream<Uint8Array>(this.time, random.fork(`up ${this.time.nowMs}`), profile, (bytes) =>
        this.room.receive(session, bytes),
      );
      this.sessions.set(name, session);
      this.ups.set(name, up);
      if (holder.inhabitant !== undefined) {
        holder.inhabitant.session = session;
        holder.inhabitant.up = up;
      }
      return {
        send: (bytes) => {
          up.send(bytes, bytes.length);
          return true;
        },
        get bufferedBytes() {
          return up.inFlightBytes;
        },
        close: () => {
          closed = true;
          up.close();
          this.room.leave(session);
        },
      };
    };
  }

  private deliver(item: Down, handlers: LinkHandlers): void {
    if (item.kind === "closed") return handlers.onClosed(item.code, item.sentence);
    if (item.kind === "session") return handlers.onSession(item.delta);
    if (messageName(item.id) === "ack") {
      const decoded = decodeDown(item.id, item.body);
      if (decoded.ok && decoded.value.type === "ack" && decoded.value.level !== "memory")
        for (const { client, clock } of decoded.value.clocks) this.durability.acknowledged(client, clock);
    }
    handlers.onMessage(item.id, item.body);
  }

  /** What an application does once per displayed frame, and what the checkers look at. */
  private frame(inhabitant: Inhabitant, index: number): void {
    const { time, options } = this;
    const { space, person } = inhabitant;
    const nowMs = time.nowMs;
    person.sample(nowMs, this.local);
    space.me.setPose(this.local, undefined, options.bug === "late-poses" ? nowMs - 300 : nowMs);
    space.frame(nowMs);
    if (space.status !== "live") inhabitant.troubledUntilMs = Math.max(inhabitant.troubledUntilMs, nowMs + SETTLE_MS);
    inhabitant.truth.record(nowMs, space.me.pose);
    for (const shown of space.people) {
      if (!shown.visible) continue;
      if (!checkFinite(shown.pose, `slot ${shown.slot} as shown to person ${index}`, nowMs, this.violations)) continue;
      this.trace.number(shown.pose[0] as number);
      const source = this.people.find((other) => other.space.me.user === shown.user);
      if (source === undefined || nowMs < source.troubledUntilMs || nowMs < inhabitant.troubledUntilMs) continue;
      const error = source.truth.headErrorM(shown.pose, nowMs - (space.roomTimeMs - shown.shownMs(0)), FRAME_MS);
      if (error !== undefined) this.display.observe(error);
    }
  }

  private readonly checkDurability = (): void => {
    const doc = this.fromDisk();
    this.durability.check(Y.decodeStateVector(Y.encodeStateVector(doc)), this.time.nowMs);
    doc.destroy();
  };

  private checkConvergence(): void {
    const { scene } = this.options;
    const doc = this.fromDisk();
    const expected = JSON.stringify(sorted(listObjects(doc, scene)));
    doc.destroy();
    for (const [i, { space }] of this.people.entries()) {
      const seen = JSON.stringify(sorted(listObjects(space.objects.doc, scene)));
      if (seen !== expected) this.violations.report("convergence", this.time.nowMs, `person ${i} has ${difference(seen, expected)}`);
    }
    this.trace.text(expected);
  }

  private checkHolders(): void {
    for (const [i, { space }] of this.people.entries()) {
      for (const object of space.objects) {
        const decided = this.holders.holders.get(object.id)?.slot;
        if (object.holder === decided) continue;
        this.violations.report("single holder", this.time.nowMs, `person ${i} sees ${object.id} held by ${object.holder}, the room says ${decided}`);
      }
    }
  }

  private fromDisk(): Y.Doc {
    const { snapshot, updates } = this.disk.loaded();
    const doc = new Y.Doc();
    if (snapshot !== undefined) Y.applyUpdate(doc, snapshot);
    for (const update of updates) Y.applyUpdate(doc, update);
    return doc;
  }
}

const sorted = <T extends { readonly id: string }>(items: readonly T[]): T[] => [...items].sort((a, b) => (a.id < b.id ? -1 : 1));

function difference(seen: string, expected: string): string {
  let at = 0;
  while (at < seen.length && seen[at] === expected[at]) at++;
  return `...${seen.slice(Math.max(0, at - 30), at + 60)}... where the disk has ...${expected.slice(Math.max(0, at - 30), at + 60)}...`;
}
