import { expect, it } from "vitest";
import { behaviour } from "./suite.ts";

it("runs tiny, with every figure", () => {
  const options = { traces: undefined, network: undefined, dump: undefined, count: 1, seed: 3 };
  const { figures } = behaviour(options, () => {}, [{ people: 12, tickRateHz: 30, warmS: 1, measureS: 1 }]);
  for (const { value, id } of figures) expect(Number.isFinite(value), id).toBe(true);
  const ids = figures.map(({ id }) => id);
  for (const id of ["alarms_per_hour", "recall", "recall_least", "recall.blocking", "recall.chatFlood", "12x30.tick_ms", "12x30.room_watched_ms"])
    expect(ids).toContain(`behaviour.${id}`);
});
