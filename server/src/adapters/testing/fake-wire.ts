/** A wire for tests: remembers what was sent, and backs up as far as the test says. */
import type { Wire } from "../colyseus/transports/wire.ts";

export type FakeWire = Wire & {
  readonly sent: Uint8Array[];
  readonly closes: { readonly code: number; readonly sentence: string }[];
  /** Bytes the peer has not taken; with `stuck`, every send adds to it. */
  buffered: number;
  stuck: boolean;
  readonly probes: number[];
};

export function fakeWire(): FakeWire {
  const wire: FakeWire = {
    address: "test",
    sent: [],
    closes: [],
    buffered: 0,
    stuck: false,
    probes: [],
    get bufferedBytes() {
      return wire.buffered;
    },
    send(bytes) {
      wire.sent.push(bytes.slice());
      if (wire.stuck) wire.buffered += bytes.length;
      return true;
    },
    probe(probe) {
      wire.probes.push(probe);
    },
    close(code, sentence) {
      wire.closes.push({ code, sentence });
    },
    terminate() {
      wire.closes.push({ code: 1006, sentence: "" });
    },
  };
  return wire;
}
