import { err, ok, type Result } from "@copresence/shared/base";
import { describe, expect, it, vi } from "vitest";
import type { SceneStore, StoreError } from "../store/scene-store.ts";
import { SceneWriter } from "./scene-writer.ts";

type Answer = Result<{ readonly seq: number }, StoreError>;

/** A store whose answers the test gives. */
function setup() {
  const appends: { readonly records: number; readonly answer: (answer: Answer) => void }[] = [];
  const compactions: ((bytes: number) => void)[] = [];
  const compacted: number[] = [];
  const lost: string[] = [];
  const results: string[] = [];
  /** How many results there were when who waits was let know, and how many writes the store had been handed. */
  const answered: (readonly [results: number, writes: number])[] = [];
  let probeWorks = false;
  let recovered = 0;
  let rerootWorks = true;
  const epochs: number[] = [];
  let stalled = 0;
  const store: SceneStore = {
    open: () => Promise.reject(new Error("not used")),
    append: (_scene, epoch, records) => {
      epochs.push(epoch);
      return new Promise((answer) => appends.push({ records: records.length, answer }));
    },
    note: (_scene, key) => Promise.resolve(key === "works" ? ok(undefined) : err({ code: "full" as const, sentence: "disk full" })),
    compact: () => new Promise((done) => compactions.push((bytes) => done(ok({ seq: 1, bytes })))),
    recall: () => Promise.reject(new Error("not used")),
    reroot: (_scene, epoch) =>
      Promise.resolve(rerootWorks ? ok({ epoch: epoch + 1, root: 5, updates: [] }) : err({ code: "io" as const, sentence: "no" })),
    release: () => Promise.resolve(),
    probe: () => Promise.resolve(probeWorks ? ok(undefined) : err({ code: "full" as const, sentence: "disk full" })),
    close: () => Promise.resolve(),
  };
  const writer = new SceneWriter({
    store,
    scene: "s",
    epoch: 1,
    logRecords: 0,
    onAppended: (result) => results.push(`${result.batch}:${result.ok}`),
    onAnswered: () => void answered.push([results.length, appends.length]),
    onNoted: ({ write, ok: durable, sentence }) => results.push(`note ${write}:${durable}${sentence === "" ? "" : ` ${sentence}`}`),
    onRecovered: () => {
      recovered++;
      results.push("recovered");
    },
    onStalled: () => stalled++,
    onTrouble: () => {},
    onAppendMs: () => {},
    onCompacted: ({ bytes }) => compacted.push(bytes),
    onRerooted: (fresh) => results.push(`epoch ${fresh?.epoch}`),
    onLost: (sentence) => lost.push(sentence),
  });
  const append = (batch: number) =>
    writer.append({ kind: "append", batch, records: [{ user: "u", client: 1, clock: batch, update: new Uint8Array(1) }] });
  return {
    epochs,
    failReroot: () => (rerootWorks = false),
    appends,
    compactions,
    compacted,
    lost,
    results,
    answered,
    writer,
    append,
    heal: () => (probeWorks = true),
    recovered: () => recovered,
    stalled: () => stalled,
  };
}
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("SceneWriter", () => {
  it("[SW1] writes one at a time and takes everything waiting into the next write", async () => {
    const { appends, results, answered, append } = setup();
    for (const batch of [1, 2, 3]) append(batch);
    expect(appends.map((call) => call.records)).toEqual([1]);
    appends[0]?.answer(ok({ seq: 11 }));
    await settle();
    expect(appends.map((call) => call.records)).toEqual([1, 2]);
    appends[1]?.answer(ok({ seq: 13 }));
    await settle();
    expect(results).toEqual(["1:true", "2:true", "3:true"]);
    // The next write is on its way before the room takes in the first.
    expect(answered).toEqual([
      [1, 2],
      [3, 2],
    ]);
  });

  it("[SW1] [SW3] fails what waits behind a failure, untried, until a probe succeeds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { appends, results, append, heal, recovered } = setup();
      append(1);
      append(2);
      appends[0]?.answer(err({ code: "full", sentence: "disk full" }));
      await settle();
      append(3);
      expect(appends.length).toBe(1);
      expect(results).toEqual(["1:false", "2:false", "3:false"]);
      await vi.advanceTimersByTimeAsync(600);
      expect(recovered()).toBe(0);
      heal();
      await vi.advanceTimersByTimeAsync(600);
      expect(recovered()).toBe(1);
      append(4);
      expect(appends.length).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it("[SW2] folds what was written when the room ends, and gives up when the store takes too long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const unwritten = setup();
      unwritten.writer.close();
      await unwritten.writer.fold();
      expect(unwritten.compactions).toHaveLength(0);

      const { appends, compactions, append, writer } = setup();
      append(1);
      for (let answered = 0; answered < appends.length; answered++) {
        appends[answered]?.answer(ok({ seq: answered }));
        await settle();
      }
      writer.close();
      let ended = 0;
      const folded = writer.fold().then(() => ended++);
      expect(compactions).toHaveLength(1);
      await settle();
      expect(ended).toBe(0);
      await vi.advanceTimersByTimeAsync(1000);
      await folded;
      expect(ended).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("[SW2] compacts one at a time beside the appends, when asked and when nobody has edited for a while", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { appends, compactions, compacted, append, writer } = setup();
      append(1);
      appends[0]?.answer(ok({ seq: 11 }));
      await settle();
      writer.compact();
      await vi.advanceTimersByTimeAsync(1);
      expect(compactions).toHaveLength(1);
      append(2);
      expect(appends).toHaveLength(2);
      appends[1]?.answer(ok({ seq: 12 }));
      await settle();
      writer.compact();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(compactions).toHaveLength(1);
      compactions[0]?.(100);
      await settle();
      expect(compacted).toEqual([100]);
      await vi.advanceTimersByTimeAsync(1000);
      expect(compactions).toHaveLength(2);
      compactions[1]?.(101);
      await settle();
      append(3);
      appends[2]?.answer(ok({ seq: 13 }));
      await settle();
      await vi.advanceTimersByTimeAsync(29_000);
      expect(compactions).toHaveLength(2);
      await vi.advanceTimersByTimeAsync(2000);
      expect(compactions).toHaveLength(3);
      writer.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it("[SW5] gives a scene up that somebody else has taken over", async () => {
    const { appends, lost, results, append } = setup();
    append(1);
    appends[0]?.answer(err({ code: "fenced", sentence: "taken over" }));
    await settle();
    expect(lost).toEqual(["taken over"]);
    expect(results).toEqual(["1:false"]);
  });

  it("[SW6] tells of a write that hangs, does not make it again, and is well when it returns", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { appends, results, append, recovered, stalled, writer } = setup();
      append(1);
      await vi.advanceTimersByTimeAsync(500);
      expect(stalled()).toBe(0);
      await vi.advanceTimersByTimeAsync(400);
      expect(stalled()).toBe(1);
      append(2);
      await vi.advanceTimersByTimeAsync(60_000);
      expect([appends.length, stalled(), recovered()]).toEqual([1, 1, 0]);
      appends[0]?.answer(ok({ seq: 1 }));
      await settle();
      // Everybody hears that all is well before they hear what was saved.
      expect(results).toEqual(["recovered", "1:true"]);
      expect(appends.length).toBe(2);
      appends[1]?.answer(ok({ seq: 2 }));
      await settle();
      await vi.advanceTimersByTimeAsync(10_000);
      expect([stalled(), recovered()]).toEqual([1, 1]);
      writer.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it("[SW6] [SW3] a write that hangs and then fails is a failure like any other", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { appends, results, append, heal, writer } = setup();
      append(1);
      await vi.advanceTimersByTimeAsync(1000);
      appends[0]?.answer(err({ code: "io", sentence: "gone" }));
      await settle();
      expect(results).toEqual(["1:false"]);
      heal();
      await vi.advanceTimersByTimeAsync(600);
      expect(results).toEqual(["1:false", "recovered"]);
      writer.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it("[SW3] a note that cannot be written is answered, and the store is watched until it works again", async () => {
    const { results, writer } = setup();
    const value = new Uint8Array(1);
    await writer.note({ kind: "note", write: 1, key: "works", value });
    await writer.note({ kind: "note", write: 2, key: "fails", value });
    await writer.note({ kind: "note", write: 3, key: "works", value });
    writer.close();
    expect(results).toEqual(["note 1:true", "note 2:false disk full", "note 3:false The store does not work at the moment."]);
  });

  it("drained resolves when the last write has", async () => {
    const { appends, append, writer } = setup();
    append(1);
    let done = false;
    const drained = writer.drained().then(() => (done = true));
    await settle();
    expect(done).toBe(false);
    appends[0]?.answer(ok({ seq: 11 }));
    await drained;
    expect(done).toBe(true);
  });

  it("[SW6] writes under the new epoch once the store has begun it, and stays in the old one when it has not", async () => {
    const { writer, append, appends, epochs, results, failReroot } = setup();
    const effect = { kind: "reroot", note: { key: "retired", value: new Uint8Array() } } as const;
    await writer.reroot(effect);
    append(1);
    appends[0]?.answer(ok({ seq: 1 }));
    await settle();
    failReroot();
    await writer.reroot(effect);
    append(2);
    expect([results, epochs]).toEqual([
      ["epoch 2", "1:true", "epoch undefined"],
      [2, 2],
    ]);
  });

  it("a store that rejects has failed like any other", async () => {
    const results: boolean[] = [];
    const store = { append: () => Promise.reject(new Error("broken")), probe: () => Promise.reject(new Error("broken")) } as unknown as SceneStore;
    const writer = new SceneWriter({
      store,
      scene: "s",
      epoch: 1,
      logRecords: 0,
      onAppended: (result) => results.push(result.ok),
      onAnswered: () => {},
      onNoted: () => {},
      onRecovered: () => {},
      onStalled: () => {},
      onTrouble: () => {},
      onAppendMs: () => {},
      onCompacted: () => {},
      onRerooted: () => {},
      onLost: () => {},
    });
    writer.append({ kind: "append", batch: 1, records: [] });
    await settle();
    writer.close();
    expect(results).toEqual([false]);
  });
});
