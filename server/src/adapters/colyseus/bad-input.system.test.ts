/**
 * Bad input over real sockets, on both transports: each kind gets its own code and sentence and costs that session only. A witness sits
 * in the same room the whole time.
 */
import { CLOSE, type CloseName, LIMITS, messageId, PROTOCOL_VERSION, ROOM_DATA_BYTES, syncCloseCode } from "@copresence/shared/protocol";
import { generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeReason } from "../refusal.ts";
import { dial, type JoinAnswer, matchmake, RawClient, seatPath } from "../testing/raw-client.ts";
import { startTestServer, type TestServer, type TestTicket, whyNot } from "../testing/test-server.ts";

const INVALID_NAMES = ["../x", "a\0b", "__proto__", "", "a/b", "a\r\nb", "x".repeat(65)];

const refusedWith = (name: CloseName) => ({ body: expect.objectContaining({ code: CLOSE[name].code, name, retryable: CLOSE[name].retryable }) });
const sentenceOf = (answer: JoinAnswer): string => String(answer.body["error"]);

for (const transport of ["ws", "uws"] as const) {
  const reason = await whyNot(transport);
  if (reason !== undefined) console.warn(`bad input over ${transport} is not tested here: ${reason}`);

  describe.skipIf(reason !== undefined)(`bad input over ${transport}`, () => {
    let server: TestServer;
    let witness: RawClient;
    let users = 0;
    const ticket = (change: TestTicket = {}) => server.ticket({ user: `user-${++users}`, ...change });
    const join = async () => RawClient.join(server.url, await ticket());

    beforeAll(async () => {
      server = await startTestServer(transport, { roomLingerMs: 60_000 });
      witness = await join();
    });
    afterAll(async () => {
      // The witness was never disturbed: it is still there and still served.
      witness.send({ type: "ping", clientTimeMs: 42 });
      expect((await witness.next("pong")).clientTimeMs).toBe(42);
      await server.stop();
      expect((await witness.closed).code).toBe(CLOSE.serverDraining.code);
    });

    describe("at the door", () => {
      const tickets: readonly (readonly [string, CloseName, () => Promise<string | undefined>])[] = [
        ["no ticket", "ticketMissing", () => Promise.resolve(undefined)],
        ["a bad ticket", "ticketInvalid", () => Promise.resolve("not.a.ticket")],
        ["a stranger's ticket", "ticketInvalid", async () => ticket({ key: (await generateKeyPair("EdDSA")).privateKey })],
        ["another space's ticket", "ticketInvalid", () => ticket({ space: "test-other" })],
        ["a role nobody defined", "ticketInvalid", () => ticket({ role: "king" })],
        ["an expired ticket", "ticketExpired", () => ticket({ issuedSecondsAgo: 120 })],
        ["another region's ticket", "regionMismatch", () => ticket({ region: "elsewhere" })],
        ["a user that is not an identifier", "nameInvalid", () => ticket({ user: "../ada" })],
      ];
      it.each(tickets)("%s is refused as %s", async (_what, name, make) => {
        const answer = await matchmake(server.url, { ticket: await make() });
        expect(answer).toMatchObject(refusedWith(name));
        expect(sentenceOf(answer).length).toBeGreaterThan(20);
      });

      it("a used ticket is refused as ticketUsed", async () => {
        const once = await ticket();
        expect((await matchmake(server.url, { ticket: once })).status).toBe(200);
        expect(await matchmake(server.url, { ticket: once })).toMatchObject(refusedWith("ticketUsed"));
      });

      it.each(INVALID_NAMES)("the space name %j is refused as nameInvalid", async (space) => {
        expect(await matchmake(server.url, { ticket: await ticket(), space })).toMatchObject(refusedWith("nameInvalid"));
      });

      it.each([null, 7, {}, ["demo"]])("the space %j is refused as nameInvalid", async (space) => {
        expect(await matchmake(server.url, { ticket: await ticket(), space })).toMatchObject(refusedWith("nameInvalid"));
      });

      it("an unknown space is refused as spaceUnknown", async () => {
        expect(await matchmake(server.url, { ticket: await ticket({ space: "nowhere" }), space: "nowhere" })).toMatchObject(
          refusedWith("spaceUnknown"),
        );
      });

      it.each([
        [0, "protocolTooOld"],
        ["1", "protocolTooOld"],
        [null, "protocolTooOld"],
        [PROTOCOL_VERSION + 1, "protocolTooNew"],
      ] as const)("protocol %j is refused as %s", async (protocol, name) => {
        expect(await matchmake(server.url, { ticket: await ticket(), protocol })).toMatchObject(refusedWith(name));
      });

      it("a page of another origin is refused as originRefused, with and without a ticket, at both doors", async () => {
        const origin = "https://evil.example";
        expect(await matchmake(server.url, { ticket: await ticket(), origin })).toMatchObject({ status: 403, ...refusedWith("originRefused") });
        expect(await dial(server.url, `/sync/demo?ticket=${await ticket()}`, { origin }).refused).toMatchObject({
          status: 403,
          ...refusedWith("originRefused"),
        });
        const { body: seat } = await matchmake(server.url, { ticket: await ticket() });
        expect(await dial(server.url, seatPath(seat), { origin }).refused).toMatchObject({ status: 403, ...refusedWith("originRefused") });
      });

      it.each(["{", "[]", "null", "\u00ff", '"demo"'])("the body %j is refused as malformedMessage", async (body) => {
        const response = await fetch(`${server.url}/matchmake/joinOrCreate/space`, { method: "POST", body });
        expect(await response.json()).toMatchObject({ code: CLOSE.malformedMessage.code });
      });

      it("a body over the limit is refused as messageTooLarge", async () => {
        const response = await fetch(`${server.url}/matchmake/joinOrCreate/space`, { method: "POST", body: "x".repeat(LIMITS.bodyBytes + 1) });
        expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 413, ...refusedWith("messageTooLarge") });
      });

      it.each([
        "/matchmake/create/space",
        "/matchmake/joinOrCreate/lobby",
        "/matchmake/joinById/abc",
        "/matchmake/reconnect/abc",
        "/matchmake/constructor/space",
      ])("Colyseus's other door %s does not exist", async (path) => {
        const response = await fetch(server.url + path, { method: "POST", body: "{}" });
        expect({ status: response.status, body: await response.json() }).toMatchObject({ status: 404, ...refusedWith("spaceUnknown") });
      });

      it("development tickets are not issued when they are not configured", async () => {
        const response = await fetch(`${server.url}/dev/ticket`, { method: "POST", body: JSON.stringify({ space: "demo", name: "Eve" }) });
        expect(await response.json()).toMatchObject({ code: CLOSE.ticketMissing.code });
      });

      it("a WebSocket path that is neither is refused before the handshake", async () => {
        expect((await dial(server.url, "/").refused).status).toBe(404);
        expect((await dial(server.url, "/a/../b?sessionId=__proto__").refused).status).toBe(404);
      });
    });

    describe("at the seat", () => {
      it("a seat that was never given, or was taken, closes with handshakeTimeout", async () => {
        const { seat } = witness;
        for (const path of [seatPath({ ...seat, sessionId: "stolen" }), seatPath(seat), seatPath({ ...seat, roomId: "gone" })]) {
          expect((await dial(server.url, path).closed).code).toBe(CLOSE.handshakeTimeout.code);
        }
      });

      it("a join that is never acknowledged ends", async () => {
        const silent = await RawClient.take(server.url, await ticket(), { acknowledges: false });
        expect(await silent.closed).toEqual({ code: CLOSE.handshakeTimeout.code, reason: CLOSE.handshakeTimeout.sentence });
      });
    });

    describe("in the room", () => {
      const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
      const sized = (id: number, length: number): Uint8Array => {
        const frame = new Uint8Array(length + 2);
        frame.set([ROOM_DATA_BYTES, id]);
        return frame;
      };

      it.each([
        ["an unknown message", bytes(ROOM_DATA_BYTES, 250)],
        ["a message that ends early", bytes(ROOM_DATA_BYTES, messageId("ping"), 1, 2)],
        ["a message of the wrong direction", bytes(ROOM_DATA_BYTES, messageId("welcome"))],
        ["a string message type", bytes(ROOM_DATA_BYTES, 0xa2, 0x68, 0x69)],
        ["Colyseus's msgpack message", bytes(13, 0xa1, 0x61, 0xc1)],
        ["Colyseus's request", bytes(21, 1, 0xa1, 0x61)],
        ["an empty frame", bytes()],
        ["noise", bytes(255, 254, 253)],
      ])("%s is answered with a reason, and ends the session when repeated", async (_what, frame) => {
        const client = await join();
        client.sendRaw(frame);
        expect((await client.next("denied")).reason).toBe("malformed");
        for (let i = 0; i < LIMITS.malformedStrikes; i++) client.sendRaw(frame);
        expect(await client.closed).toEqual({ code: CLOSE.malformedMessage.code, reason: CLOSE.malformedMessage.sentence });
      });

      it("a text frame ends the session as malformedMessage", async () => {
        const client = await join();
        client.sendRaw("hello");
        expect((await client.closed).code).toBe(CLOSE.malformedMessage.code);
      });

      it.each([
        ["a message", sized(messageId("chat"), LIMITS.messageBytes + 1)],
        ["a sync message", sized(messageId("sync"), LIMITS.syncBytes + 1)],
        ["noise", new Uint8Array(LIMITS.messageBytes + 1)],
      ])("%s over its limit ends the session as messageTooLarge", async (_what, frame) => {
        const client = await join();
        client.sendRaw(frame);
        expect(await client.closed).toEqual({ code: CLOSE.messageTooLarge.code, reason: CLOSE.messageTooLarge.sentence });
      });

      it("a frame far over every limit ends the session", async () => {
        const client = await join();
        client.sendRaw(new Uint8Array(1_000_000));
        expect([1009, 1006]).toContain((await client.closed).code);
      });

      it("a flood ends the session as tooManyMessages", async () => {
        const client = await join();
        for (let i = 0; i < 3000; i++) client.sendRaw(bytes(ROOM_DATA_BYTES, messageId("ping"), 0, 0, 0, 0, 0, 0, 0, 0));
        expect((await client.closed).code).toBe(CLOSE.tooManyMessages.code);
      });
    });

    describe("at the sync endpoint", () => {
      const outcome = async (path: string) => {
        const { code, reason } = await dial(server.url, path).closed;
        return { code, reason };
      };
      const closedWith = (name: CloseName) => ({ code: syncCloseCode(name), reason: closeReason(CLOSE[name].sentence) });

      it("refuses for the same reasons", async () => {
        expect(await outcome("/sync/demo")).toEqual(closedWith("ticketMissing"));
        expect(await outcome("/sync/demo?ticket=x")).toEqual(closedWith("ticketInvalid"));
        expect(await outcome(`/sync/nowhere?ticket=${await ticket({ space: "nowhere" })}`)).toEqual(closedWith("spaceUnknown"));
        for (const name of ["..%2fx", "a%00b", "__proto__", "%", "a/b"]) {
          expect((await outcome(`/sync/${name}?ticket=${await ticket()}`)).code).toBe(syncCloseCode("nameInvalid"));
        }
        const once = await ticket();
        const first = dial(server.url, `/sync/demo?ticket=${once}`);
        await new Promise((resolve) => first.socket.once("message", resolve));
        expect(await outcome(`/sync/demo?ticket=${once}`)).toEqual(closedWith("ticketUsed"));
        first.socket.close();
      });

      it("ends a peer that sends text, or too much at once", async () => {
        const open = async () => {
          const dialled = dial(server.url, `/sync/demo?ticket=${await ticket()}`);
          await new Promise((resolve) => dialled.socket.once("open", resolve));
          return dialled;
        };
        const text = await open();
        text.socket.send("hello");
        expect((await text.closed).code).toBe(syncCloseCode("malformedMessage"));
        const large = await open();
        large.socket.send(new Uint8Array(LIMITS.syncBytes + 100));
        expect((await large.closed).code).toBe(syncCloseCode("messageTooLarge"));
      });
    });
  });
}
