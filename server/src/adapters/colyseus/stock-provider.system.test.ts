/**
 * What a real y-websocket provider does when the server sends it away: it comes back, or stops for good (close-codes.ts).
 */
import { CLOSE, closeName, type CloseName, syncCloseCode } from "@copresence/shared/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { startTestServer, type TestServer, type TestServerOptions } from "../testing/test-server.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer("ws", options);
  cleanups.push(() => server.stop());
  return server;
}

type Tried = { readonly provider: WebsocketProvider; readonly dialled: () => number; readonly codes: number[] };

/** A provider that counts its sockets and notes with which codes they end. */
function provide(url: string, ticket: string, space = "demo"): Tried {
  let dialled = 0;
  class Counted extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      dialled++;
    }
  }
  const doc = new Y.Doc();
  const options = { params: { ticket }, WebSocketPolyfill: Counted as never, disableBc: true };
  const provider = new WebsocketProvider(`${url.replace("http", "ws")}/sync`, space, doc, options);
  const codes: number[] = [];
  provider.on("connection-close", (event: { readonly code: number } | null) => codes.push(event?.code ?? 0));
  cleanups.push(() => {
    provider.destroy();
    doc.destroy();
  });
  return { provider, dialled: () => dialled, codes };
}

const synced = (provider: WebsocketProvider): Promise<void> => new Promise((resolve) => provider.once("sync", () => resolve()));
const closes = ({ codes, provider }: Tried, count: number): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => void (codes.length >= count && resolve());
    provider.on("connection-close", look);
    look();
  });

describe("a stock provider that is refused", () => {
  it("for good, dials once and says so; for now, comes back until it has a fresh ticket", async () => {
    const server = await start();
    const used = await server.ticket({ user: "ada" });
    await synced(provide(server.url, used).provider);

    const hopeless = provide(server.url, "not-a-ticket");
    const closed = await new Promise<{ readonly code: number }>((resolve) => hopeless.provider.once("closed", resolve));
    expect(closed.code).toBe(syncCloseCode("ticketInvalid"));
    expect(closeName(closed.code)).toBe("ticketInvalid" satisfies CloseName);

    const patient = provide(server.url, used);
    await closes(patient, 3);
    expect(patient.codes.slice(0, 3)).toEqual([CLOSE.ticketUsed.code, CLOSE.ticketUsed.code, CLOSE.ticketUsed.code]);
    const entered = synced(patient.provider);
    patient.provider.params = { ticket: await server.ticket({ user: "bob" }) };
    await entered;
    expect(patient.dialled()).toBeGreaterThanOrEqual(4);
    // In the time of three and more dials, the other has not moved.
    expect({ dialled: hopeless.dialled(), codes: hopeless.codes }).toEqual({ dialled: 1, codes: [4403] });
    expect(hopeless.provider.shouldConnect).toBe(false);
  });
});
