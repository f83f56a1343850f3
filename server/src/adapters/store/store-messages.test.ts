import fc from "fast-check";
import { expect, it } from "vitest";
import { flatAppend, requestOf } from "./store-messages.ts";

it("[SM1] an append is the same request on the other side, and no other message is taken for one", () => {
  const record = fc.record({
    user: fc.string(),
    client: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    clock: fc.nat(),
    update: fc.uint8Array({ maxLength: 40 }),
  });
  const append = fc.record({ id: fc.nat(), op: fc.constant("append" as const), scene: fc.string(), epoch: fc.nat(), records: fc.array(record) });
  fc.assert(
    fc.property(append, (request) => {
      expect(requestOf(structuredClone(flatAppend(request, request.id)))).toEqual(request);
    }),
  );
  expect(requestOf({ id: 1, op: "probe" })).toEqual({ id: 1, op: "probe" });
});
