import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LedgerEvent, ObjectLedger } from "./object-ledger.ts";
import { SceneIndex } from "./search/index.ts";

const made = (id: string, version: number): LedgerEvent => ({
  kind: "object",
  object: id,
  version,
  type: "prop",
  label: `${id} ${version}`,
  text: "",
  position: [0, 0, 0],
  sizeM: 1,
  color: "",
});
const gone = (id: string, version: number): LedgerEvent => ({ kind: "objectGone", object: id, version });

describe("ObjectLedger", () => {
  it("[OL1] keeps the newest version of each object, in the order they first changed", () => {
    const ledger = new ObjectLedger(10);
    ledger.put(made("a", 1), 5);
    ledger.put(made("b", 1), 6);
    ledger.put(made("a", 2), 7);
    expect(ledger.put(made("a", 1), 8)).toBe(false);
    expect([ledger.undelivered, ledger.oldestMs, ledger.coalesced]).toEqual([2, 5, 1]);
    expect(ledger.take(9)).toEqual([made("a", 2), made("b", 1)]);
    expect(ledger.take(9)).toEqual([]);
  });

  it("[OL3] remembers a deletion until it is delivered, refuses what does not fit, and counts it", () => {
    const ledger = new ObjectLedger(2);
    ledger.put(made("a", 1), 0);
    ledger.put(made("b", 1), 0);
    expect(ledger.put(made("c", 1), 0)).toBe(false);
    expect(ledger.refused).toBe(1);
    const bye = gone("a", 2);
    ledger.put(bye, 0);
    ledger.take(9);
    expect(ledger.size).toBe(2);
    ledger.delivered(bye);
    expect(ledger.size).toBe(1);
    expect(ledger.put(made("c", 1), 0)).toBe(true);
  });

  it("[OL4] does not hand out again what was given up, until it changes", () => {
    const ledger = new ObjectLedger(10);
    ledger.put(made("a", 1), 0);
    ledger.put(made("b", 1), 0);
    ledger.take(9);
    expect([ledger.bury("a", 2), ledger.bury("a", 1), ledger.bury("a", 1)]).toEqual([false, true, false]);
    ledger.replay(1);
    ledger.redo(made("a", 1), 1);
    expect(ledger.take(9)).toEqual([made("b", 1)]);
    ledger.put(made("a", 2), 2);
    ledger.replay(3);
    expect(ledger.take(9)).toEqual([made("a", 2), made("b", 1)]);
  });

  it("[OL2] a receiver that dies at any point ends with the last state after a replay", () => {
    const act = fc.oneof(
      fc.record({ id: fc.constantFrom("a", "b", "c"), gone: fc.boolean() }),
      fc.constant("deliver" as const),
      fc.constant("die" as const),
      fc.constant("die-before-ack" as const),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const ledger = new ObjectLedger(100);
        let receiver = new SceneIndex();
        const truth = new Set<string>();
        const deliver = (ack: boolean): void => {
          for (const event of ledger.take(2)) {
            receiver.apply(event);
            if (ack) ledger.delivered(event);
          }
        };
        acts.forEach((step, i) => {
          if (step === "deliver") return deliver(true);
          if (step === "die" || step === "die-before-ack") {
            if (step === "die-before-ack") deliver(false);
            receiver = new SceneIndex();
            return ledger.replay(i);
          }
          ledger.put(step.gone ? gone(step.id, i + 1) : made(step.id, i + 1), i);
          if (step.gone) truth.delete(step.id);
          else truth.add(step.id);
        });
        while (ledger.undelivered > 0) deliver(true);
        expect(receiver.size).toBe(truth.size);
        expect(ledger.size).toBe(truth.size);
      }),
    );
  });
});
