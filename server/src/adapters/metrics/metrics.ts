/**
 * What an operator can see on /metrics. No label names a person, a space or a session (PROMISES, threats P/U).
 *
 * [ME1] Hot counters are plain numbers; prom-client reads them when scraped.
 */
import { type CloseName, messageName } from "@copresence/shared/protocol";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CoreMetric } from "../../core/types.ts";
import type { PipelineHealth } from "../../pipeline/types.ts";
import { newTraffic, type Traffic } from "../colyseus/governor.ts";

const MILLISECONDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 1000];

export type MetricSources = {
  readonly rooms: () => number;
  readonly sessions: () => number;
  readonly pipeline: () => PipelineHealth;
};

export class Metrics {
  readonly registry = new Registry();
  readonly traffic: Traffic = newTraffic();
  /** By message id. */
  private readonly receivedById = new Float64Array(256);
  private readonly tickTook: Histogram;
  private readonly tickLate: Histogram;
  private readonly appendTook: Histogram;
  private readonly loadTook: Histogram;
  private readonly openTook: Gauge;
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
    this.openTook = new Gauge({ name: "copresence_store_open_milliseconds", help: "Time until the store was open, recovery included.", registers });
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
    const pipeline = (name: string, help: string, read: (health: PipelineHealth) => number): Gauge =>
      gauge(`copresence_pipeline_${name}`, help, () => read(sources.pipeline()));
    pipeline("degraded", "1 while search and moderation answer in their reduced form.", ({ state }) => (state === "degraded" ? 1 : 0));
    pipeline("queued", "Events that wait for the side pipeline or are being handled.", ({ queued }) => queued);
    pipeline("lag_milliseconds", "Age of the oldest of them.", ({ lagMs }) => lagMs);
    pipeline("dropped", "Events nobody handled: over every bound.", ({ dropped }) => dropped);
    pipeline("coalesced", "Waiting events that a newer version of their subject replaced.", ({ coalesced }) => coalesced);
    pipeline("dead", "Events given up because handling them failed again and again.", ({ dead }) => dead);
    pipeline("resent", "Events sent again because a worker was lost or silent.", ({ resent }) => resent);
    pipeline("degraded_answers", "Answers of the reduced form.", ({ degradedAnswers }) => degradedAnswers);
    pipeline("restarts", "Workers lost and replaced.", ({ restarts }) => restarts);
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
    const { receivedById } = this;
    return new Gauge({
      name: "copresence_messages_received",
      help: "Messages decoded since start, by type.",
      labelNames: ["type"],
      registers: [],
      collect() {
        receivedById.forEach((count, id) => count > 0 && this.set({ type: messageName(id) ?? "unknown" }, count));
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
  storeOpened(tookMs: number): void {
    this.openTook.set(tookMs);
  }
  sceneLoaded(tookMs: number): void {
    this.loadTook.observe(tookMs);
  }
  /** A message of this id was decoded: what it is called is the registry's word, never a peer's. */
  received(id: number): void {
    this.receivedById[id] = (this.receivedById[id] as number) + 1;
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
