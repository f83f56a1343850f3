import { once } from "node:events";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { readBuffer, readDirectly, readView } from "./direct-read.ts";

const open: { destroy(): void }[] = [];
afterEach(() => open.splice(0).forEach((each) => each.destroy()));

/** A connection: the end that was accepted, and the one that talks to it. */
async function pair(): Promise<{ readonly accepted: Socket; readonly peer: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  server.close();
  open.push(accepted, peer);
  return { accepted, peer };
}

/** What is read, and a promise of so many bytes of it. */
function reading() {
  let read = "";
  let wanted = 0;
  let arrived = (): void => {};
  return {
    onRead: (length: number): void => {
      read += readBuffer.toString("latin1", 0, length);
      if (read.length >= wanted) arrived();
    },
    text: () => read,
    until: (count: number) =>
      new Promise<void>((resolve) => {
        wanted = count;
        arrived = resolve;
        if (read.length >= count) resolve();
      }),
  };
}

describe("readDirectly", () => {
  it("[DR2] reads many sockets into one buffer, in order, and hears their ends", async () => {
    const pairs = await Promise.all([pair(), pair(), pair()]);
    const reads = pairs.map(({ accepted }) => {
      const got = reading();
      accepted.on("data", () => expect.unreachable("the stream was to be passed by"));
      expect(readDirectly(accepted, got.onRead)).toBe(true);
      return got;
    });
    pairs.forEach(({ peer }, i) => peer.end(String(i).repeat(100_000)));
    await Promise.all(pairs.map(({ accepted }) => once(accepted, "end")));
    reads.forEach((got, i) => expect(got.text()).toBe(String(i).repeat(100_000)));
  });

  it("[DR2] is paused and resumed like any other stream", async () => {
    const { accepted, peer } = await pair();
    const got = reading();
    accepted.on("data", () => {});
    readDirectly(accepted, got.onRead);
    peer.write("a");
    await got.until(1);
    accepted.pause();
    const other = await pair();
    const turn = reading();
    readDirectly(
      other.accepted.on("data", () => {}),
      turn.onRead,
    );
    peer.write("b");
    other.peer.write("c");
    await turn.until(1);
    expect(got.text()).toBe("a");
    accepted.resume();
    await got.until(2);
    expect(got.text()).toBe("ab");
  });

  it("[DR2] reports a broken connection", async () => {
    const { accepted, peer } = await pair();
    accepted.on("data", () => {}).on("error", () => {});
    readDirectly(accepted, () => {});
    peer.resetAndDestroy();
    await new Promise((resolve) => accepted.once("close", resolve));
    expect(accepted.destroyed).toBe(true);
  });

  it("[DR1] leaves alone what it does not know, and what is read in another way already", async () => {
    const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    expect(readDirectly(stream, () => {})).toBe(false);
    expect(readDirectly(new Socket(), () => {})).toBe(false);
    const { accepted } = await pair();
    expect(readDirectly(accepted, () => {})).toBe(true);
    expect(readDirectly(accepted, () => {})).toBe(false);
  });
});

describe("readView", () => {
  it("is the bytes that were asked for, whether made before or not", () => {
    for (const [from, end] of [
      [6, 70],
      [6, 71],
      [6, 70],
      [8, 300],
      [100, 160],
    ] as const) {
      readBuffer.fill(from + end);
      expect([...readView(from, end)]).toEqual(Array.from({ length: end - from }, () => (from + end) & 0xff));
    }
    expect(readView(6, 70)).toBe(readView(6, 70));
  });
});
