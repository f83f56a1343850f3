/**
 * Compare-and-set from this side: one question to the room per attempt, answered when the race is decided and durable.
 *
 * [CA1] Every promise settles: with the room's verdict, or as `offline` when the link ends first; then the write may have been made or not, and
 *       the field shows which once the space is back.
 * [CA2] What is asked for is shown when the room has decided, never before: a reservation that may be lost is none.
 */
import { type MessageOf, wireValue } from "@copresence/shared/protocol";
import { entryVersion, STRING_MAX } from "@copresence/shared/scene";
import type { Doc } from "yjs";
import type { CasHandle, CasOutcome } from "./space-types.ts";

/** Attempts of `update` unless told otherwise: each needs somebody else to have won. */
const ATTEMPTS = 5;

type Asked = (verdict: { readonly won: boolean; readonly reason: CasReason }) => void;
type CasReason = Exclude<CasOutcome<unknown>, { won: true }>["reason"];

export class CasAsks {
  private readonly send: (message: MessageOf<"cas">) => boolean;
  private readonly asked = new Map<number, Asked>();
  private ref = 0;

  /** `send` is false while there is no link. */
  constructor(send: (message: MessageOf<"cas">) => boolean) {
    this.send = send;
  }

  ask(doc: Doc, object: string, field: string, value: unknown): Promise<Parameters<Asked>[0]> {
    this.ref = (this.ref % 0xffff) + 1;
    const { ref } = this;
    const sent = this.send({ type: "cas", ref, object, field, seen: entryVersion(doc, object, field), value: wireValue(value) });
    if (!sent) return Promise.resolve({ won: false, reason: "offline" });
    return new Promise((resolve) => this.asked.set(ref, resolve));
  }

  onResult({ ref, won, reason }: MessageOf<"casResult">): void {
    this.settle(ref, { won, reason });
  }

  linkDown(): void {
    for (const ref of this.asked.keys()) this.settle(ref, { won: false, reason: "offline" });
  }

  private settle(ref: number, verdict: Parameters<Asked>[0]): void {
    this.asked.get(ref)?.(verdict);
    this.asked.delete(ref);
  }
}

/** One `cas` field of one object. */
export class CasView implements CasHandle<unknown> {
  private readonly ports: CasPorts;

  constructor(ports: CasPorts) {
    this.ports = ports;
  }

  get value(): unknown {
    return this.ports.read();
  }

  async set(value: unknown): Promise<CasOutcome<unknown>> {
    const { read, fits, refusal, ask } = this.ports;
    if (!fits(value)) throw new RangeError(`this field takes another type of value, strings up to ${STRING_MAX} characters`);
    const reason = refusal();
    const verdict = reason === undefined ? await ask(value) : { won: false, reason };
    return verdict.won ? { won: true, value: read() } : { won: false, reason: verdict.reason as CasReason, value: read() };
  }

  async update(next: (current: unknown) => unknown, attempts = ATTEMPTS): Promise<CasOutcome<unknown>> {
    for (let attempt = 1; ; attempt++) {
      const current = this.value;
      const value = next(current);
      if (value === undefined) return { won: false, reason: "declined", value: current };
      const outcome = await this.set(value);
      if (outcome.won || outcome.reason !== "lost-race" || attempt >= attempts) return outcome;
    }
  }
}

export type CasPorts = {
  readonly read: () => unknown;
  readonly fits: (value: unknown) => boolean;
  /** Why I may not write it at all, told as a `denied` event too; undefined when I may. */
  readonly refusal: () => CasReason | undefined;
  readonly ask: (value: unknown) => Promise<Parameters<Asked>[0]>;
};
