/**
 * The session plane as the client sees it: the server's `SessionDelta`s, however they were carried (Colyseus schema, virtual link).
 * Kept structurally equal to server/src/core/types.ts by a type test in simulations (the two packages never import each other).
 */
import type { Launch } from "@copresence/shared/motion";
import type { Hand } from "@copresence/shared/protocol";

export type PersonInfo = {
  readonly slot: number;
  readonly session: string;
  readonly user: string;
  readonly name: string;
  readonly role: string;
  readonly color: number;
  readonly status: "awake" | "asleep";
};
export type LeaseInfo = {
  readonly object: string;
  readonly slot: number;
  readonly hand: Hand;
  readonly gripMm: readonly number[];
  readonly gripRotation: readonly number[];
  readonly scale: number;
  readonly spanMm: number;
  readonly sinceTick: number;
};
/** An object in the air since room time `startMs`, thrown by `slot`. */
export type FlightInfo = Launch & { readonly object: string; readonly slot: number; readonly startMs: number };

export type SessionEvent =
  | { readonly kind: "person"; readonly person: PersonInfo }
  | { readonly kind: "personGone"; readonly slot: number }
  | { readonly kind: "lease"; readonly lease: LeaseInfo }
  | { readonly kind: "leaseGone"; readonly object: string }
  | { readonly kind: "flight"; readonly flight: FlightInfo }
  | { readonly kind: "flightGone"; readonly object: string }
  | { readonly kind: "veil"; readonly object: string; readonly field: string; readonly author: string; readonly reason: string }
  | { readonly kind: "veilGone"; readonly object: string; readonly field: string };
