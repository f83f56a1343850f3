import type { Slot, Tick } from "@copresence/shared/base";
import { LIMITS } from "@copresence/shared/protocol";
import { IDENTITY_TRANSFORM } from "@copresence/shared/scene";
import { describe, expect, it } from "vitest";
import { LeaseTable } from "./leases.ts";

const grant = (table: LeaseTable, object: string, slot: number, nowMs: number): void => {
  const grip = { hand: "right", gripMm: [0, 0, 0], gripRotation: [0, 0, 0, 32_767], scale: 1, spanMm: 0 } as const;
  const lease = { object, slot: slot as Slot, ...grip, sinceTick: 1 as Tick };
  table.grant({ lease, claimSeq: 1, touchMs: nowMs, grantedMs: nowMs, placeBefore: () => IDENTITY_TRANSFORM, nowMs });
};

describe("LeaseTable", () => {
  it("[LE1] has one lease per object, whoever asks last", () => {
    const table = new LeaseTable(4);
    grant(table, "cup", 1, 0);
    grant(table, "cup", 2, 0);
    expect(table.get("cup")?.lease.slot).toBe(2);
    expect([table.count(1), table.count(2)]).toEqual([0, 1]);
    expect(table.all()).toHaveLength(1);
  });

  it("[LE2] expires what is not renewed, at the limit and not before", () => {
    const table = new LeaseTable(4);
    grant(table, "cup", 1, 0);
    grant(table, "hat", 2, 0);
    table.renew(2, 1);
    expect(table.expired(LIMITS.leaseMs - 1)).toEqual([]);
    expect(table.expired(LIMITS.leaseMs).map((held) => held.lease.object)).toEqual(["cup"]);
    expect(table.expired(LIMITS.leaseMs + 1).map((held) => held.lease.object)).toEqual(["cup", "hat"]);
  });

  it("[LE3] lists by object id and drops what it is told to", () => {
    const table = new LeaseTable(4);
    for (const object of ["c", "a", "b"]) grant(table, object, 3, 0);
    expect(table.heldBy(3).map((held) => held.lease.object)).toEqual(["a", "b", "c"]);
    expect(table.drop("b")?.lease.object).toBe("b");
    expect(table.drop("b")).toBeUndefined();
    expect(table.heldBy(3).map((held) => held.lease.object)).toEqual(["a", "c"]);
  });
});
