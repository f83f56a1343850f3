/**
 * The room's side of the behaviour watch: slots become users, notices become effects.
 *
 * [BD1] Who sleeps or left is forgotten at once.
 * [BD2] Where nobody takes alarms nothing is watched; without a model only the hard limits hold, and no pose is looked at.
 */
import type { EffectSink } from "../effect-sink.ts";
import type { Member } from "../member.ts";
import type { Roster } from "../roster.ts";
import type { PipelineEvent } from "../types.ts";
import type { BehaviourModel } from "./behaviour-model.ts";
import { type AlarmNotice, BehaviourWatch } from "./behaviour-watch.ts";
import { FloodWatch } from "./flood-watch.ts";
import { SAMPLES_HZ } from "./motion-track.ts";

export type BehaviourDeskOptions = {
  readonly out: EffectSink;
  readonly roster: Roster;
  readonly capacity: number;
  readonly tickRateHz: number;
  /** Whether somebody takes alarms. */
  readonly takesAlarms: boolean;
  readonly model: BehaviourModel | undefined;
  readonly poseOf: (slot: number, out: Float64Array) => boolean;
  /** By user. */
  readonly exempt: (a: string, b: string) => boolean;
};

export class BehaviourDesk {
  private readonly options: BehaviourDeskOptions;
  /** Made at the first tick that is run for somebody: it is large. */
  private watch: BehaviourWatch | undefined;
  private readonly floods: FloodWatch;
  private readonly slots: Int16Array;
  private readonly sampleTicks: number;
  private nowMs = 0;

  constructor(options: BehaviourDeskOptions) {
    this.options = options;
    this.slots = new Int16Array(options.capacity);
    this.sampleTicks = Math.max(1, Math.round(options.tickRateHz / SAMPLES_HZ));
    this.floods = new FloodWatch((notice) => this.alarm(notice));
  }

  tick(tick: number, nowMs: number): void {
    const { takesAlarms, tickRateHz } = this.options;
    if (!takesAlarms) return;
    this.nowMs = nowMs;
    if (tick % tickRateHz === 0) this.floods.second();
    this.watch ??= this.makeWatch();
    if (this.watch === undefined) return;
    if ((tick + 1) % this.sampleTicks === 0) this.sample(this.watch);
    this.watch.look();
  }

  gone(slot: number): void {
    this.watch?.forget(slot);
    this.floods.forget(slot);
  }

  said(member: Member): void {
    if (this.options.takesAlarms) this.floods.said(member.person.slot);
  }

  /** Somebody's edit has become durable. */
  changed(user: string, event: PipelineEvent): void {
    if (!this.options.takesAlarms) return;
    const member = this.options.roster.byUser(user);
    if (member === undefined) return;
    if (event.kind === "object") this.floods.changed(member.person.slot, event.object);
    else if (event.kind === "objectGone") this.floods.removed(member.person.slot);
  }

  private makeWatch(): BehaviourWatch | undefined {
    const { capacity, roster, model, poseOf, exempt, takesAlarms, tickRateHz } = this.options;
    if (model === undefined || !takesAlarms) return undefined;
    const userOf = (slot: number): string => roster.bySlot(slot)?.person.user ?? "";
    const friends = (a: number, b: number): boolean => exempt(userOf(a), userOf(b));
    return new BehaviourWatch({ capacity, looksHz: tickRateHz, model, poseOf, exempt: friends, alarm: (notice) => this.alarm(notice) });
  }

  private sample(watch: BehaviourWatch): void {
    const { members } = this.options.roster;
    let count = 0;
    for (let i = 0; i < members.length; i++) {
      const { person } = members[i] as Member;
      if (person.status === "awake") this.slots[count++] = person.slot;
    }
    watch.sample(this.slots, count);
  }

  private alarm({ kind, slot, victim, score, numbers }: AlarmNotice): void {
    const { model, out, roster } = this.options;
    const user = roster.bySlot(slot)?.person.user;
    if (user === undefined) return;
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
        model: model === undefined ? "limits 1" : `${model.id} ${model.version}`,
      },
    });
  }
}
