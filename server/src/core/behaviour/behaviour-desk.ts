/**
 * The room's side of the behaviour watch: slots become users, notices become effects.
 *
 * [BD1] Who sleeps or left is forgotten at once. Without a model only the hard limits hold.
 */
import type { EffectSink } from "../effect-sink.ts";
import type { Member } from "../member.ts";
import type { Roster } from "../roster.ts";
import type { PipelineEvent } from "../types.ts";
import type { BehaviourModel } from "./behaviour-model.ts";
import { type AlarmNotice, BehaviourWatch } from "./behaviour-watch.ts";
import { SAMPLES_HZ } from "./motion-track.ts";
import { PAIR_FEATURES } from "./pair-features.ts";

const SILENT = { base: -1, threshold: 0, trees: [] };
const NO_MODEL: BehaviourModel = {
  id: "limits",
  version: "1",
  features: PAIR_FEATURES,
  kinds: { following: SILENT, blocking: SILENT, bubble: SILENT, gestures: SILENT },
};

export type BehaviourDeskOptions = {
  readonly out: EffectSink;
  readonly roster: Roster;
  readonly capacity: number;
  readonly tickRateHz: number;
  readonly model: BehaviourModel | undefined;
  readonly poseOf: (slot: number, out: Float64Array) => boolean;
  /** By user. */
  readonly exempt: (a: string, b: string) => boolean;
};

export class BehaviourDesk {
  private readonly options: BehaviourDeskOptions;
  private readonly model: BehaviourModel;
  private readonly watch: BehaviourWatch;
  private readonly slots: Int16Array;
  private readonly sampleTicks: number;
  private nowMs = 0;

  constructor(options: BehaviourDeskOptions) {
    const { capacity, roster, model = NO_MODEL, poseOf, exempt, tickRateHz } = options;
    this.options = options;
    this.model = model;
    this.slots = new Int16Array(capacity);
    this.sampleTicks = Math.max(1, Math.round(tickRateHz / SAMPLES_HZ));
    const userOf = (slot: number): string => roster.bySlot(slot)?.person.user ?? "";
    this.watch = new BehaviourWatch({
      capacity,
      model,
      poseOf: model === NO_MODEL ? () => false : poseOf,
      exempt: (a, b) => exempt(userOf(a), userOf(b)),
      alarm: (notice) => this.alarm(notice),
    });
  }

  tick(tick: number, nowMs: number): void {
    // Not in the ticks that look after personal space: two loops over everybody in one tick would be felt at its p99.
    if ((tick + 1) % this.sampleTicks !== 0) return;
    this.nowMs = nowMs;
    const { members } = this.options.roster;
    let count = 0;
    for (let i = 0; i < members.length; i++) {
      const { person } = members[i] as Member;
      if (person.status === "awake") this.slots[count++] = person.slot;
    }
    this.watch.sample(this.slots, count);
  }

  gone(slot: number): void {
    this.watch.forget(slot);
  }

  said(member: Member): void {
    this.watch.floods.said(member.person.slot);
  }

  /** Somebody's edit has become durable. */
  changed(user: string, event: PipelineEvent): void {
    const member = this.options.roster.byUser(user);
    if (member === undefined) return;
    if (event.kind === "object") this.watch.floods.changed(member.person.slot, event.object);
    else if (event.kind === "objectGone") this.watch.floods.removed(member.person.slot);
  }

  private alarm({ kind, slot, victim, score, numbers }: AlarmNotice): void {
    const { out, roster } = this.options;
    const user = roster.bySlot(slot)?.person.user;
    if (user === undefined) return;
    const model = `${this.model.id} ${this.model.version}`;
    out.count("alarm");
    out.push({
      kind: "alarm",
      alarm: {
        atMs: this.nowMs,
        offence: kind,
        user,
        victim: roster.bySlot(victim)?.person.user ?? "",
        score: Math.round(score * 1000) / 1000,
        numbers,
        model,
      },
    });
  }
}
