import { expect, it } from "vitest";
import type { SessionEvent } from "@copresence/client/core";
import type { SessionDelta } from "@copresence/server/core";

/** Every delta of the server is an event of the client, field for field. Server and client never import each other, so it is checked here. */
type Keys<T> = T extends unknown ? keyof T : never;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

it("the session plane is the same on both sides (checked by the compiler)", () => {
  const asEvent = (delta: SessionDelta): SessionEvent => delta;
  const sameKinds: Same<SessionDelta["kind"], SessionEvent["kind"]> = true;
  const sameKeys: Same<Keys<SessionDelta>, Keys<SessionEvent>> = true;
  const delta: SessionDelta = { kind: "leaseGone", object: "ball" };
  expect([asEvent(delta), sameKinds, sameKeys]).toEqual([delta, true, true]);
});
