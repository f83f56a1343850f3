/**
 * What somebody without a seat, or with one and no manners, can do to others and to the process over real sockets: nothing.
 */
import { connect, type Socket } from "node:net";
import { Protocol } from "@colyseus/core";
import { CLOSE, LIMITS } from "@copresence/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RawClient, seatPath } from "../testing/raw-client.ts";
import { startTestServer, type TestServer, whyNot } from "../testing/test-server.ts";

const upgrade = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** One masked binary frame, as a client sends it. */
function frame(...bytes: number[]): Buffer {
  const mask = [1, 2, 3, 4];
  return Buffer.from([0x82, 0x80 | bytes.length, ...mask, ...bytes.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

type Bare = { readonly socket: Socket; readonly head: Promise<string>; readonly ended: Promise<void> };

/** A TCP connection that says `what`, keeps its own side open, and tells when the server has ended its side. */
function say(url: string, what: string | Buffer): Bare {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let heard = "";
  let found: (head: string) => void = () => {};
  const head = new Promise<string>((resolve) => {
    found = resolve;
  });
  socket.on("data", (chunk) => {
    heard += String(chunk);
    if (heard.includes("\r\n")) found(heard.split("\r\n", 1)[0] ?? "");
  });
  socket.on("error", () => {});
  const ended = new Promise<void>((resolve) => {
    socket.once("end", resolve);
    socket.once("close", () => resolve());
  });
  socket.write(what);
  return { socket, head, ended };
}

for (const transport of ["ws", "uws"] as const) {
  const reason = await whyNot(transport);
  if (reason !== undefined) console.warn(`attacks over ${transport} are not tested here: ${reason}`);

  describe.skipIf(reason !== undefined)(`attacks over ${transport}`, () => {
    let server: TestServer;
    let witness: RawClient;
    let users = 0;
    const join = async () => RawClient.join(server.url, await server.ticket({ user: `user-${++users}` }));
    const stillServed = async (client: RawClient): Promise<void> => {
      client.send({ type: "ping", clientTimeMs: 7 });
      expect((await client.next("pong")).clientTimeMs).toBe(7);
    };
    beforeAll(async () => {
      server = await startTestServer(transport, { roomLingerMs: 60_000 });
      witness = await join();
    });
    afterAll(async () => {
      await stillServed(witness);
      await server.stop();
    });

    it("[RC4] junk on a socket that names somebody else's session counts against nobody", async () => {
      const victim = await join();
      const junk = Buffer.concat([Buffer.from(upgrade(seatPath(victim.seat))), ...Array.from({ length: 20 }, () => frame(255, 1, 2))]);
      const attackers = [1, 2, 3].map(() => say(server.url, junk));
      await Promise.all(attackers.map(({ ended }) => ended));
      for (const { socket } of attackers) socket.destroy();
      await stillServed(victim);
      victim.socket.close();
    });

    it("a refused upgrade is answered and its socket is cut, though the peer keeps its side open", async () => {
      const sockets = Array.from({ length: 50 }, () => say(server.url, upgrade("/nowhere")));
      await Promise.all(sockets.map(async ({ head, ended }) => expect([await head, await ended][0]).toContain("404")));
      // A socket that was cut answers what still comes with a reset; one that is only half closed takes it for ever.
      await Promise.all(
        sockets.map(async ({ socket }) => {
          while (!socket.destroyed) {
            socket.write("more");
            await new Promise((resolve) => setImmediate(resolve));
          }
        }),
      );
    });

    it("an upgrade that is half a handshake, or never comes, ends within the time limits", async () => {
      const started = performance.now();
      const silent = say(server.url, "");
      const slow = say(server.url, "GET / HTTP/1.1\r\nHost: x\r\n");
      await Promise.all([silent.ended, slow.ended]);
      expect(performance.now() - started).toBeLessThan(LIMITS.handshakeMs * 3);
      for (const { socket } of [silent, slow]) socket.destroy();
    });

    it("an offer of another protocol is declined, and the request answered", async () => {
      const polite = say(
        server.url,
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
      );
      expect(await polite.head).toBe("HTTP/1.1 200 OK");
      polite.socket.destroy();
    });

    it.each(["ping", "pong"] as const)("[WI5] a flood of %ss ends the session", async (kind) => {
      const client = await join();
      // A few at a time, each written out before the next: what a limit on pongs that are still owed does not see.
      while (client.socket.readyState === client.socket.OPEN) {
        for (let i = 0; i < 5; i++) client.socket[kind]("x".repeat(100));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect((await client.closed).code).toBe(1006);
    });

    it("Colyseus's own frames before the join is acknowledged do not enter twice, or at all", async () => {
      const silent = await RawClient.take(server.url, await server.ticket({ user: "early" }), { acknowledges: false });
      await new Promise((resolve) => silent.socket.once("message", resolve));
      for (let i = 0; i < 3; i++) silent.sendRaw(new Uint8Array([Protocol.JOIN_ROOM]));
      await silent.next("welcome");
      await stillServed(silent);
      silent.sendRaw(new Uint8Array([Protocol.LEAVE_ROOM]));
      await silent.closed;
    });

    it("more than a body may hold is refused, without being read to its end", async () => {
      const post = `POST /matchmake/joinOrCreate/space HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n`;
      const greedy = say(server.url, post + "x".repeat(LIMITS.bodyBytes + 1));
      expect(await greedy.head).toContain("413");
      greedy.socket.destroy();
    });

    it("joins and leaves of one person at once leave one session or none, and no ghost", async () => {
      const race = await Promise.all(Array.from({ length: 8 }, async () => RawClient.take(server.url, await server.ticket({ user: "double" }))));
      const codes = await Promise.all(race.map((client) => Promise.race([client.closed.then(({ code }) => code), last(client)])));
      expect(codes.filter((code) => code === CLOSE.sessionReplaced.code)).toHaveLength(7);
      expect(codes.filter((code) => code === 0)).toHaveLength(1);
      for (const client of race) client.socket.terminate();

      /** 0 for whoever still gets answers once the others are closed. */
      async function last(client: RawClient): Promise<number> {
        const others = race.filter((other) => other !== client);
        await Promise.all(others.map(({ closed }) => closed));
        await stillServed(client);
        return 0;
      }
    });
  });
}
