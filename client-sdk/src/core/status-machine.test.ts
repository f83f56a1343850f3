import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, type ConnectionEvent, type ConnectionState, INITIAL, isUp, statusOf, stepConnection } from "./status-machine.ts";

const lost: ConnectionEvent = { kind: "dropped", reason: { code: 1006, sentence: "lost", retryable: true } };
const refused: ConnectionEvent = { kind: "dropped", reason: { code: 4303, sentence: "bad ticket", retryable: false } };
const say = (kind: "joined" | "retry" | "sleep" | "wake" | "leave"): ConnectionEvent => ({ kind });
const run = (events: readonly ConnectionEvent[], from: ConnectionState = INITIAL): ConnectionState =>
  events.reduce((state, event) => stepConnection(state, event, 0, 0.5).state, from);
const status = (...events: readonly ConnectionEvent[]): string => statusOf(run(events));

const anyEvent = fc.constantFrom(lost, refused, say("joined"), say("retry"), say("sleep"), say("wake"), say("leave"));

describe("status machine", () => {
  it("goes through a session's life", () => {
    expect(status()).toBe("connecting");
    expect(status(lost)).toBe("connecting");
    expect(status(say("joined"))).toBe("live");
    expect(status(say("joined"), lost)).toBe("reconnecting");
    expect(status(say("joined"), lost, say("retry"))).toBe("reconnecting");
    expect(status(say("joined"), lost, say("retry"), say("joined"))).toBe("live");
    expect(status(refused)).toBe("closed");
    expect(status(say("joined"), say("leave"))).toBe("closed");
  });

  it("[SM2] stays closed whatever happens", () => {
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        const { state, actions } = stepConnection(run(events, run([say("leave")])), lost, 0, 0);
        expect(state.phase).toBe("closed");
        expect(actions).toEqual([]);
      }),
    );
  });

  it("[SM3] waits longer after each failure, within half and the whole of the step, up to the cap", () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, 8000, 1))).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000]);
    expect(backoffMs(2, 8000, 0)).toBe(500);
    const first = stepConnection(INITIAL, lost, 1000, 0);
    expect(first.actions).toContainEqual({ kind: "retryAt", timeMs: 1125 });
    const again = stepConnection(run([lost, say("retry"), lost, say("retry"), lost, say("retry")]), lost, 0, 1);
    expect(again.actions).toContainEqual({ kind: "retryAt", timeMs: 2000 });
    expect(run([say("joined"), lost, say("retry"), say("joined")]).attempt).toBe(0);
  });

  it("[SM4] sleeps and wakes into whatever the link is", () => {
    expect(status(say("joined"), say("sleep"))).toBe("asleep");
    expect(status(say("joined"), say("sleep"), say("wake"))).toBe("live");
    expect(status(say("joined"), say("sleep"), lost)).toBe("asleep");
    expect(status(say("joined"), say("sleep"), lost, say("wake"))).toBe("reconnecting");
    expect(status(say("joined"), say("sleep"), lost, say("retry"), say("joined"))).toBe("asleep");
    expect(stepConnection(run([say("joined"), say("sleep"), lost]), say("wake"), 0, 0).actions).toContainEqual({ kind: "dial" });
    expect(stepConnection(run([say("joined"), say("sleep"), lost, say("retry")]), say("joined"), 0, 0).actions).toEqual([
      { kind: "announce", asleep: true },
    ]);
  });

  it("dials only when nothing is dialled or up, and always hangs up before waiting", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        let state = INITIAL;
        for (const event of events) {
          const step = stepConnection(state, event, 0, 0.3);
          const dials = step.actions.filter(({ kind }) => kind === "dial").length;
          expect(dials).toBeLessThanOrEqual(1);
          if (dials === 1) expect(["waiting", "asleepWaiting"]).toContain(state.phase);
          if (step.actions.some(({ kind }) => kind === "retryAt")) expect(step.actions[0]).toEqual({ kind: "hangUp" });
          state = step.state;
        }
        expect(isUp(state)).toBe(state.phase === "live" || state.phase === "asleepLive");
      }),
    );
  });
});
