/**
 * What an operator can see on /metrics. No label names a person, a space or a session (PROMISES, threats P/U).
 *
 * [ME1] Hot counters are plain numbers; prom-client reads them when scraped.
 */
import type { CloseName } from "@copresence/shared/protocol";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CoreMetric } from "../../core/types.ts";
import { newTraffic, type Traffic } from "../colyseus/governor.ts";

const MILLISECONDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 1000];

export type MetricSources = {
  readonly rooms: () => number;
  readonly sessions: () => number;
  readonly pipeline: () => { readonly queued: number; readonly dropped: number; readonly lagMs: number };
};

export class Metrics {
  readonly registry = new Registry();
  readonly traffic: Traffic = newTraffic();
  private readonly receivedByType = new Map<string, number>();
  private readonly tickTook: Histogram;
  private readonly tickLate: Histogram;
  private readonly appendTook: Histogram;
  private readonly loadTook: Histogram;
  private readonly closes: Counter<"reason">;
  private readonly refusals: Counter<"reason">;
  private readonly core: Counter<"what">;
  private readonly failures: Counter;
  private readonly rejections: Counter;

  constructor(labels: { readonly region: string }) {
    const registers = [this.registry];
    this.registry.setDefaultLabels(labels);
    collectDefaultMetrics({ register: this.registry, prefix: "copresence_" });
    const histogram = (name: string, help: string): Histogram => new Histogram({ name, help, buckets: MILLISECONDS, registers });
    this.tickTook = histogram("copresence_tick_milliseconds", "Duration of a room's step at a tick.");
    this.tickLate = histogram("copresence_tick_late_milliseconds", "How late a tick began after its deadline.");
    this.appendTook = histogram("copresence_append_milliseconds", "Time until an append was durable.");
    this.loadTook = histogram("copresence_scene_load_milliseconds", "Time until a scene was read from the store and its document built.");
    this.closes = new Counter({ name: "copresence_closes_total", help: "Sessions ended by the server.", labelNames: ["reason"], registers });
    this.refusals = new Counter({ name: "copresence_refusals_total", help: "Joins refused.", labelNames: ["reason"], registers });
    this.core = new Counter({ name: "copresence_core_total", help: "What the rooms' cores decided.", labelNames: ["what"], registers });
    this.failures = new Counter({ name: "copresence_room_failures_total", help: "Rooms ended by a fault of ours.", registers });
    this.rejections = new Counter({ name: "copresence_unhandled_rejections_total", help: "Promises nobody handled.", registers });
    this.registry.registerMetric(this.trafficGauge());
    this.registry.registerMetric(this.receivedGauge());
  }

  /** Gauges that are read from the running server when scraped. */
  watch(sources: MetricSources): void {
    const gauge = (name: string, help: string, read: () => number): Gauge =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(read());
        },
      });
    gauge("copresence_rooms", "Spaces open in this process.", sources.rooms);
    gauge("copresence_sessions", "Connected sessions.", sources.sessions);
    gauge("copresence_pipeline_queued", "Events waiting for the side pipeline.", () => sources.pipeline().queued);
    gauge("copresence_pipeline_dropped", "Events the side pipeline's queue threw away.", () => sources.pipeline().dropped);
    gauge("copresence_pipeline_lag_milliseconds", "Age of the oldest waiting event.", () => sources.pipeline().lagMs);
  }

  private trafficGauge(): Gauge {
    const { traffic } = this;
    const names = Object.keys(traffic) as (keyof Traffic)[];
    return new Gauge({
      name: "copresence_traffic",
      help: "Bytes and messages since start.",
      labelNames: ["what"],
      registers: [],
      collect() {
        for (const name of names) this.set({ what: name }, traffic[name]);
      },
    });
  }

  private receivedGauge(): Gauge {
    const { receivedByType } = this;
    return new Gauge({
      name: "copresence_messages_received",
      help: "Messages decoded since start, by type.",
      labelNames: ["type"],
      registers: [],
      collect() {
        for (const [type, count] of receivedByType) this.set({ type }, count);
      },
    });
  }

  tick(tookMs: number, lateMs: number): void {
    this.tickTook.observe(tookMs);
    this.tickLate.observe(lateMs);
  }
  append(tookMs: number): void {
    this.appendTook.observe(tookMs);
  }
  sceneLoaded(tookMs: number): void {
    this.loadTook.observe(tookMs);
  }
  /** `type` is a name of the registry, never a peer's word. */
  received(type: string): void {
    this.receivedByType.set(type, (this.receivedByType.get(type) ?? 0) + 1);
  }
  closed(reason: CloseName): void {
    this.closes.inc({ reason });
  }
  refused(reason: CloseName): void {
    this.refusals.inc({ reason });
  }
  count(what: CoreMetric, by: number): void {
    this.core.inc({ what }, by);
  }
  roomFailed(): void {
    this.failures.inc();
  }
  unhandledRejection(): void {
    this.rejections.inc();
  }
}
