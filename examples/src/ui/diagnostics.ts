/** The network overlay: what the session measures, and sliders that make the link worse on purpose (`space.simulate`). */
import type { Space } from "@copresence/client";
import { formatMs, formatRate, h } from "./dom.ts";
import { createSparkline, type Sparkline } from "./sparkline.ts";

const REFRESH_MS = 500;

type Row = { readonly element: HTMLElement; readonly value: HTMLElement; readonly spark: Sparkline };
export type Diagnostics = { readonly element: HTMLElement; stop(): void };

export function createDiagnostics(space: Space, fps: () => number): Diagnostics {
  const row = (label: string, title: string, color: string, floor: number): Row => {
    const value = h("output", {});
    const spark = createSparkline(color, floor);
    return { element: h("div", { class: "stat", title }, h("span", {}, label), spark.element, value), value, spark };
  };
  const rows = {
    rtt: row("Round trip", "Time to the server and back", "#8fd3ff", 20),
    jitter: row("Jitter", "How unevenly messages arrive", "#c7a7ff", 10),
    delay: row("Playout", "How far behind room time people are shown, so that they move smoothly", "#7df0d2", 60),
    down: row("In", "Bytes received per second", "#ffc98a", 2000),
    up: row("Out", "Bytes sent per second", "#ff9d7e", 1000),
    fps: row("Frames", "Frames drawn per second on this device", "#b9e58a", 30),
  };
  const facts = h("p", { class: "facts" });
  const conditions = { latencyMs: 0, jitterMs: 0, lossPct: 0 };
  const slider = (label: string, key: "latencyMs" | "jitterMs" | "lossPct", max: number, step: number, unit: string): HTMLElement => {
    const shown = h("output", { for: `sim-${key}` }, `0 ${unit}`);
    const input = h("input", { id: `sim-${key}`, type: "range", min: 0, max, step, value: 0 });
    input.addEventListener("input", () => {
      conditions[key] = Number(input.value);
      shown.textContent = `${input.value} ${unit}`;
      const calm = conditions.latencyMs === 0 && conditions.jitterMs === 0 && conditions.lossPct === 0;
      space.simulate(calm ? undefined : { ...conditions });
      element.classList.toggle("simulating", !calm);
    });
    return h("div", { class: "slider" }, h("label", { for: `sim-${key}` }, label), input, shown);
  };
  const element = h(
    "section",
    { class: "panel glass diagnostics", id: "panel-network", "aria-labelledby": "network-title" },
    h("h2", { id: "network-title" }, "Network"),
    ...Object.values(rows).map((item) => item.element),
    facts,
    h(
      "fieldset",
      { class: "trouble" },
      h("legend", {}, "Make it worse"),
      slider("Latency", "latencyMs", 400, 10, "ms"),
      slider("Jitter", "jitterMs", 200, 5, "ms"),
      slider("Loss", "lossPct", 20, 0.5, "%"),
    ),
  );
  const refresh = (): void => {
    const { stats } = space;
    const show = (item: Row, value: number, text: string): void => {
      item.spark.push(value);
      item.value.textContent = text;
    };
    show(rows.rtt, stats.rttMs, formatMs(stats.rttMs));
    show(rows.jitter, stats.jitterMs, formatMs(stats.jitterMs));
    show(rows.delay, stats.delayMs, formatMs(stats.delayMs));
    show(rows.down, stats.bytesInPerS, formatRate(stats.bytesInPerS));
    show(rows.up, stats.bytesOutPerS, formatRate(stats.bytesOutPerS));
    show(rows.fps, fps(), `${Math.round(fps())} fps`);
    const people = space.people.size === 0 ? "1 person" : `${space.people.size + 1} people`;
    facts.textContent = `Tick ${stats.tick} at ${stats.tickRateHz} Hz · ${people} · ${space.objects.size} objects`;
  };
  refresh();
  const timer = setInterval(refresh, REFRESH_MS);
  return { element, stop: () => clearInterval(timer) };
}
