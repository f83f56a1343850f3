/**
 * A client that stops reading, over real sockets on both transports: frames stop, nothing ordered is skipped, and the session ends
 * retryably within the stall limit, while the others go on (PROMISES P7). `npm run bench -- governor` measures the same with a hundred.
 */
import { CLOSE, LIMITS } from "@copresence/shared/protocol";
import { afterAll, expect, it } from "vitest";
import { RawClient } from "../testing/raw-client.ts";
import { startTestServer, type TestServer, whyNot } from "../testing/test-server.ts";

/** Chat is bounded per second; a line now and then is enough to see a gap. */
const LINE_MS = 700;
const servers: TestServer[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop())));

const idle = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function closed(server: TestServer): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/copresence_closes_total\{[^}]*reason="slowConsumer"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
}

for (const transport of ["ws", "uws"] as const) {
  const reason = await whyNot(transport);
  if (reason !== undefined) console.warn(`a slow reader over ${transport} is not tested here: ${reason}`);

  it.skipIf(reason !== undefined)(
    `${transport}: whoever stops reading is closed retryably in time, without a gap in what is ordered`,
    { concurrent: true },
    async () => {
      const server = await startTestServer(transport);
      servers.push(server);
      const [sleeper, ada] = await Promise.all(["sleeper", "ada"].map(async (user) => RawClient.join(server.url, await server.ticket({ user }))));
      const lines: number[] = [];
      sleeper!.onDown = (message) => void (message.type === "chatMessage" && lines.push(message.id));
      const heard: number[] = [];
      ada!.onDown = (message) => void (message.type === "chatMessage" && heard.push(message.id));
      ada!.send({ type: "chat", ref: 0, text: "before" });
      await ada!.next("chatMessage");
      sleeper!.socket.pause();
      const pausedMs = performance.now();
      let said = 1;
      while ((await closed(server)) === 0) {
        if (performance.now() - pausedMs > LIMITS.orderedStallMs + 3000) throw new Error("the sleeper was never closed");
        ada!.send({ type: "chat", ref: said, text: `line ${said++}` });
        await idle(LINE_MS);
      }
      expect(performance.now() - pausedMs).toBeLessThan(LIMITS.orderedStallMs + 2 * LINE_MS);
      sleeper!.socket.resume();
      expect(await sleeper!.closed).toEqual({ code: CLOSE.slowConsumer.code, reason: CLOSE.slowConsumer.sentence });
      expect(CLOSE.slowConsumer.retryable).toBe(true);
      while (heard.length < said) await ada!.next("chatMessage");
      expect(heard).toEqual(Array.from({ length: said }, (_, i) => heard[0]! + i));
      // Whatever reached the sleeper is the beginning of what was said, whole.
      expect(lines.length).toBeGreaterThan(3);
      expect(lines).toEqual(heard.slice(0, lines.length));
    },
  );
}
