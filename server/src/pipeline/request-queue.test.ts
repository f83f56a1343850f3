import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Request, RequestQueue } from "./request-queue.ts";

const request = (key: string, owner: string, version: number): Request<string> => ({ key, owner, version, item: `${key}@${version}` });
const drain = (queue: RequestQueue<string>): string[] => {
  const items: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) items.push(next.item);
  return items;
};

describe("RequestQueue", () => {
  it("[RQ1] keeps the newest version of a subject in the oldest one's place", () => {
    const queue = new RequestQueue<string>({ capacity: 10, quota: 10 });
    queue.put(request("a", "u", 1));
    queue.put(request("b", "u", 1));
    expect(queue.put(request("a", "u", 3)).status).toBe("superseded");
    expect(queue.put(request("a", "u", 2)).status).toBe("stale");
    expect(queue.put(request("a", "u", 3)).status).toBe("stale");
    expect(drain(queue)).toEqual(["a@3", "b@1"]);
    expect(queue.coalesced).toBe(1);
  });

  it("[RQ2] evicts the owner's own oldest at the quota, and the oldest of all at capacity", () => {
    const queue = new RequestQueue<string>({ capacity: 4, quota: 2 });
    const evicted = (r: Request<string>): string[] => queue.put(r).evicted.map(({ item }) => item);
    expect(evicted(request("x1", "x", 1))).toEqual([]);
    expect(evicted(request("f1", "flooder", 1))).toEqual([]);
    expect(evicted(request("f2", "flooder", 1))).toEqual([]);
    expect(evicted(request("f3", "flooder", 1))).toEqual(["f1@1"]);
    expect(evicted(request("y1", "y", 1))).toEqual([]);
    expect(evicted(request("z1", "z", 1))).toEqual(["x1@1"]);
    expect(drain(queue)).toEqual(["f2@1", "f3@1", "y1@1", "z1@1"]);
    expect(queue.evicted).toBe(2);
  });

  it("moves a subject to the quota of its newest author", () => {
    const queue = new RequestQueue<string>({ capacity: 9, quota: 1 });
    queue.put(request("label", "ada", 1));
    queue.put(request("label", "bob", 2));
    expect(queue.put(request("other", "ada", 1)).evicted).toEqual([]);
    expect(queue.put(request("third", "bob", 1)).evicted.map(({ key }) => key)).toEqual(["label"]);
  });

  it("[RQ1] [RQ2] holds its bounds and loses nothing silently, whatever is done to it", () => {
    const put = fc.record({ key: fc.integer({ min: 0, max: 20 }), owner: fc.constantFrom("a", "b", "c"), version: fc.integer({ min: 1, max: 5 }) });
    const action = fc.oneof(put, fc.constant("take" as const), fc.record({ remove: fc.integer({ min: 0, max: 20 }) }));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const queue = new RequestQueue<string>({ capacity: 8, quota: 4 });
        // The model: a list in order.
        let model: Request<string>[] = [];
        for (const act of actions) {
          if (act === "take") {
            expect(queue.take()).toEqual(model.shift());
          } else if ("remove" in act) {
            const key = `k${act.remove}`;
            expect(queue.remove(key)).toBe(model.some((entry) => entry.key === key));
            model = model.filter((entry) => entry.key !== key);
          } else {
            const r = request(`k${act.key}`, act.owner, act.version);
            const { status, evicted } = queue.put(r);
            const at = model.findIndex(({ key }) => key === r.key);
            expect(status).toBe(at < 0 ? "queued" : (model[at]?.version ?? 0) >= r.version ? "stale" : "superseded");
            model = model.filter((entry) => !evicted.includes(entry));
            if (status === "superseded") model[at] = r;
            if (status === "queued") model.push(r);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.size).toBeLessThanOrEqual(8);
        }
        expect(drain(queue)).toEqual(model.map(({ item }) => item));
      }),
    );
  });
});
