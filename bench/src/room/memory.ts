/**
 * One room's thread without its sockets: uplink messages as bytes in, decoded, judged, encoded, assembled, and every viewer's frame
 * copied into memory. Time is virtual; only the ticks are measured.
 *
 * Where each figure comes from: `p99` is the 99th percentile of the time a whole tick takes, `kbit_per_viewer` counts every byte of every
 * frame, `starved_ms` is the longest time that any watched viewer (a real decoder) went without news of anybody it can see; whom it was told it
 * does not see (personal space) it cannot.
 */
import { type CoreEffect, type CoreInput, PoseInbox, SceneCore, type SceneCoreOptions } from "@copresence/server/core";
import type { SessionId, UserId } from "@copresence/shared/base";
import { FrameDecoder, type PoseSample } from "@copresence/shared/pose";
import { decodeDown, ENVELOPE_BYTES, fitsPoseUp, messageId } from "@copresence/shared/protocol";
import { asShipped } from "./as-shipped.ts";
import { CrowdMotion } from "./crowd.ts";
import { hall } from "./hall.ts";

export type MemorySettings = {
  readonly people: number;
  readonly tickRateHz: number;
  readonly warmS: number;
  readonly measureS: number;
  /** Viewers whose frames are decoded. */
  readonly watchers: number;
  readonly seed: number;
  /** Folder of recordings to move by, in place of synthetic people. */
  readonly traces: string | undefined;
};

export type MemoryRun = {
  /** Milliseconds of every measured tick, in order. */
  readonly wallMs: Float64Array;
  readonly kbitPerViewer: number;
  readonly kbitPerViewerMost: number;
  readonly starvedMs: number;
  /** Sources that a watcher never saw. */
  readonly unseen: number;
  /** News of a source a second, over all pairs watched. */
  readonly updatesPerPair: number;
};

const POSE = messageId("poseUp");

/** A viewer that decodes: when it last heard of whom. */
class Watcher {
  readonly slot: number;
  readonly lastMs: Float64Array;
  longestMs = 0;
  updates = 0;
  measuring = false;
  private readonly decoder: FrameDecoder;
  private readonly unseen = new Set<number>();
  private nowMs = 0;

  constructor(slot: number, people: number, tickRateHz: number) {
    this.slot = slot;
    this.lastMs = new Float64Array(people).fill(Number.NaN);
    this.decoder = new FrameDecoder({ tickRateHz });
  }

  readonly onHead = (): void => {};
  readonly onPose = (slot: number, _sample: PoseSample): void => {
    const gap = this.nowMs - (this.lastMs[slot] as number);
    if (this.measuring) {
      this.updates++;
      if (gap > this.longestMs) this.longestMs = gap;
    }
    this.lastMs[slot] = this.nowMs;
  };

  receive(frame: Uint8Array, nowMs: number): void {
    this.nowMs = nowMs;
    if (!this.decoder.decode(frame.subarray(ENVELOPE_BYTES), this)) throw new Error(`a frame for viewer ${this.slot} does not decode`);
    const missing = this.decoder.drainMissing(64);
    if (missing.length > 0) throw new Error(`viewer ${this.slot} was sent blocks of ${missing.join(", ")} without their references`);
  }

  /** The room says whom this viewer does not see, or sees again. */
  told(message: Uint8Array, nowMs: number): void {
    const decoded = decodeDown(message[1] as number, message.subarray(ENVELOPE_BYTES));
    if (!decoded.ok || decoded.value.type !== "unseen") return;
    const { slot, why } = decoded.value;
    if (why !== "seen") this.unseen.add(slot);
    else if (this.unseen.delete(slot)) this.lastMs[slot] = nowMs;
  }

  /** Sources never heard of; those heard of too long ago count into `longestMs`. */
  finish(nowMs: number): number {
    let unseen = 0;
    for (let slot = 0; slot < this.lastMs.length; slot++) {
      if (slot === this.slot || this.unseen.has(slot)) continue;
      const last = this.lastMs[slot] as number;
      if (Number.isNaN(last)) unseen++;
      else this.longestMs = Math.max(this.longestMs, nowMs - last);
    }
    return unseen;
  }
}

export function runMemory(settings: MemorySettings): MemoryRun {
  const { people, tickRateHz, seed } = settings;
  const core = openCore(settings, asShipped());
  const motion = new CrowdMotion(people, seed, settings.traces);
  const watchers = Array.from({ length: settings.watchers }, (_, i) => new Watcher(Math.floor((i * people) / settings.watchers), people, tickRateHz));
  const watched: (Watcher | undefined)[] = [];
  for (const watcher of watchers) watched[watcher.slot] = watcher;
  const sink = new Uint8Array(1 << 23);
  const bytes = new Float64Array(people);
  const warmTicks = settings.warmS * tickRateHz;
  const ticks = warmTicks + settings.measureS * tickRateHz;
  const wallMs = new Float64Array(settings.measureS * tickRateHz);
  const slots = new Map<SessionId, number>();
  for (let i = 0; i < people; i++) slots.set(sessionOf(i), i);
  core.step(joins(people), 0);
  const recorded = recordMessages(motion, ticks, tickRateHz);
  for (let tick = 1; tick <= ticks; tick++) {
    const nowMs = (tick * 1000) / tickRateHz;
    const messages = recorded[tick - 1] as readonly Uint8Array[];
    if (tick === warmTicks + 1) for (const watcher of watchers) watcher.measuring = true;
    const start = performance.now();
    const effects = stepRoom(core, messages, nowMs);
    let at = 0;
    for (const effect of effects) {
      if (effect.kind !== "sendFrame") continue;
      sink.set(effect.bytes, at);
      at = (at + effect.bytes.length) & 0x3fffff;
    }
    const tookMs = performance.now() - start;
    if (tick > warmTicks) wallMs[tick - warmTicks - 1] = tookMs;
    for (const effect of effects) {
      if (effect.kind === "send") watched[slots.get(effect.session) as number]?.told(effect.bytes, nowMs);
      if (effect.kind !== "sendFrame") continue;
      const slot = slots.get(effect.session) as number;
      if (tick > warmTicks) bytes[slot] = (bytes[slot] as number) + effect.bytes.length;
      watched[slot]?.receive(effect.bytes, nowMs);
    }
  }
  return summarise(settings, { wallMs, bytes, watchers });
}

const inbox = new PoseInbox();
/** One tick of the room: everybody's message, as bytes, taken in as the server does it, read and stepped through. */
export function stepRoom(room: SceneCore, messages: readonly Uint8Array[], nowMs: number): readonly CoreEffect[] {
  const inputs: CoreInput[] = [];
  for (let i = 0; i < messages.length; i++) {
    const raw = messages[i] as Uint8Array;
    if (raw[1] === POSE && fitsPoseUp(raw.length - ENVELOPE_BYTES)) inputs.push(inbox.take(sessionOf(i), nowMs, raw, ENVELOPE_BYTES, raw.length));
  }
  const effects = room.step(inputs, nowMs);
  inbox.clear();
  return effects;
}

/** Everybody's message of every tick, in one piece of memory: making them is the clients' work and no part of the room's. */
export function recordMessages(motion: CrowdMotion, ticks: number, tickRateHz: number): Uint8Array[][] {
  let page = new Uint8Array(1 << 20);
  let at = 0;
  return Array.from({ length: ticks }, (_, t) =>
    Array.from({ length: motion.count }, (__, i) => {
      const message = motion.message(i, ((t + 1) * 1000) / tickRateHz, t);
      if (at + message.length > page.length) {
        page = new Uint8Array(1 << 20);
        at = 0;
      }
      page.set(message, at);
      at += message.length;
      return page.subarray(at - message.length, at);
    }),
  );
}

function summarise(settings: MemorySettings, run: { wallMs: Float64Array; bytes: Float64Array; watchers: readonly Watcher[] }): MemoryRun {
  const { people, tickRateHz, warmS, measureS } = settings;
  const endMs = ((warmS + measureS) * tickRateHz * 1000) / tickRateHz;
  let unseen = 0;
  let updates = 0;
  for (const watcher of run.watchers) {
    unseen += watcher.finish(endMs);
    updates += watcher.updates;
  }
  const kbit = (count: number): number => (count * 8) / 1000 / measureS;
  return {
    wallMs: run.wallMs,
    kbitPerViewer: kbit(run.bytes.reduce((a, b) => a + b, 0) / people),
    kbitPerViewerMost: kbit(run.bytes.reduce((a, b) => Math.max(a, b), 0)),
    starvedMs: Math.max(...run.watchers.map(({ longestMs }) => longestMs)),
    unseen,
    updatesPerPair: updates / run.watchers.length / (people - 1) / measureS,
  };
}

export const sessionOf = (i: number): SessionId => SESSIONS[i] ?? (SESSIONS[i] = `s${i}` as SessionId);
const SESSIONS: SessionId[] = [];

export type CoreSettings = { readonly people: number; readonly tickRateHz: number; readonly seed: number };

export function openCore({ people, tickRateHz, seed }: CoreSettings, more: Partial<SceneCoreOptions> = {}): SceneCore {
  const opened = SceneCore.open({
    space: "bench",
    region: "bench",
    build: "bench",
    tickRateHz,
    scene: hall,
    loaded: { epoch: 1, seq: 0, snapshot: undefined, updates: [], cutRecords: 0 },
    seed,
    moderation: { failOpen: true, holdMs: 200 },
    capacity: people,
    ...more,
  });
  if (!opened.ok) throw new Error(opened.error.sentence);
  return opened.value;
}

/** Everybody joins; slots are given in order. */
export function joins(people: number): CoreInput[] {
  return Array.from({ length: people }, (_, i) => ({
    kind: "join",
    session: sessionOf(i),
    identity: { user: `u${i}` as UserId, name: `P${i}`, role: "member" },
  }));
}

export function quantile(values: Float64Array, q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
