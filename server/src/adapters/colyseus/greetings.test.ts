import { expect, it } from "vitest";
import { decodeDocMessage } from "../../core/document/doc-wire.ts";
import { Greetings, type Visitor } from "./greetings.ts";

const STATE = new Uint8Array([0, 0]);
const loaded = (over: { readonly snapshot?: Uint8Array | undefined; readonly updates?: readonly Uint8Array[] } = {}) => ({
  epoch: 3,
  snapshot: STATE,
  updates: [],
  ...over,
});

/** Is silent for so many looks, then takes the answer, which leaves one look later. */
function visitor(silentLooks = 0, leaves = true): Visitor & { readonly answers: { readonly epoch: number; readonly bytes: Uint8Array }[] } {
  const answers: { readonly epoch: number; readonly bytes: Uint8Array }[] = [];
  let looks = 0;
  let unsent = 0;
  return {
    answers,
    greet: (epoch, answer) => {
      if (answers.length > 0) return "other";
      if (looks++ < silentLooks) return "silent";
      answers.push({ epoch, bytes: answer() });
      unsent = 2;
      return "answered";
    },
    get unsentBytes() {
      return leaves && unsent > 0 ? --unsent : unsent;
    },
  };
}

it("[GR2] answers with the stored state, and not when there is more than a snapshot or none", async () => {
  const greetings = new Greetings();
  const [first, second] = [visitor(), visitor(2)];
  greetings.wait("demo", first);
  greetings.wait("demo", second);
  await greetings.greet("demo", loaded({ updates: [STATE] }));
  await greetings.greet("demo", loaded({ snapshot: undefined }));
  await greetings.greet("other", loaded());
  expect([first.answers, second.answers]).toEqual([[], []]);
  await greetings.greet("demo", loaded());
  for (const { answers } of [first, second]) {
    expect(answers.map(({ epoch }) => epoch)).toEqual([3]);
    expect(decodeDocMessage(answers[0]?.bytes ?? STATE)).toEqual({ ok: true, value: { kind: "step2", update: STATE } });
  }
  // Encoded once for all.
  expect(second.answers[0]?.bytes).toBe(first.answers[0]?.bytes);
});

it("[GR4] goes on without who says nothing, or takes nothing", async () => {
  for (const stuck of [visitor(Number.POSITIVE_INFINITY), visitor(0, false)]) {
    let nowMs = 0;
    const greetings = new Greetings(() => nowMs++);
    greetings.wait("demo", stuck);
    await greetings.greet("demo", loaded());
    expect(nowMs).toBeLessThan(20);
  }
});

it("[GR1] forgets who has stopped waiting, and lets a bounded number wait", async () => {
  const greetings = new Greetings();
  const gone = visitor();
  greetings.wait("demo", gone)();
  const many = Array.from({ length: 40 }, () => visitor());
  for (const one of many) greetings.wait("demo", one);
  await greetings.greet("demo", loaded());
  expect(gone.answers).toEqual([]);
  expect(many.filter(({ answers }) => answers.length > 0)).toHaveLength(16);
});
