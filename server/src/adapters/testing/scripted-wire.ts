/**
 * A listener that says a script to whoever connects, for comparing transports byte by byte: what a real room sends one of its people, and
 * messages of every length class of WebSocket. What a client sends comes back as it arrived.
 *
 * [SW1] The script is the same in every process: the room's core takes its clock and its dice from here.
 * [SW2] Everything is sent from one buffer that is overwritten at once, as the room's frames are [WI1].
 */
import { type CoreRun, pose, session, TICK_MS, welcome, withCup } from "../../core/core-run.ts";
import type { CoreEffect } from "../../core/types.ts";
import { openListener } from "../colyseus/transports/choose.ts";
import type { Listener } from "../colyseus/transports/listener.ts";

const PEOPLE = 6;
const TICKS = 50;
/** Lengths around where a WebSocket frame's head grows, and beyond what a socket takes at once. */
const LENGTHS = [1, 125, 126, 127, 4096, 16_383, 16_384, 65_535, 65_536, 65_537, 1 << 20];

export const noise = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (Math.imul(i + length, 0x9e3779b1) >>> 13) & 0xff);

/** Everything a room of six sends the first of them in a second of walking and chatting, and noise of all lengths. */
export function script(): Uint8Array[] {
  const run: CoreRun = withCup();
  const users = Array.from({ length: PEOPLE }, (_, i) => `u${i}`);
  const effects: CoreEffect[] = [];
  const hellos = users.map((user) => {
    const joined = run.join(user);
    effects.push(...joined);
    return welcome(joined, user);
  });
  for (let tick = 0; tick < TICKS; tick++) {
    for (const [i, user] of users.entries()) effects.push(...pose(run, user, hellos[i]!, [Math.sin(tick / 9 + i), 1, Math.cos(tick / 7 + i)], 5));
    if (tick % 10 === 0) effects.push(...run.say("u1", { type: "chat", ref: tick, text: `tick ${tick}: größe, 大きさ` }));
    effects.push(...run.wait(TICK_MS));
  }
  const sent = effects.flatMap((effect) => {
    const mine = (effect.kind === "send" || effect.kind === "sendFrame") && effect.session === session("u0");
    return mine ? [effect.bytes.slice()] : [];
  });
  return [...sent, ...LENGTHS.map(noise)];
}

export async function openScripted(transport: "ws" | "uws"): Promise<{ readonly listener: Listener; readonly port: number }> {
  const listener = await openListener(
    transport,
    {
      http: () => Promise.resolve({ status: 404, headers: {}, body: "" }),
      doorman: {
        decide: () => ({
          accept: true,
          abandon: () => {},
          attach: (wire) => {
            const buffer = new Uint8Array(1 << 20);
            const send = (bytes: Uint8Array): void => {
              buffer.set(bytes);
              if (!wire.send(buffer.subarray(0, bytes.length))) throw new Error("the transport threw a message away");
              buffer.fill(0xee, 0, bytes.length);
            };
            for (const bytes of script()) send(bytes);
            return { onMessage: (bytes) => send(bytes), onText: () => wire.terminate(), onProbed: () => {}, onClosed: () => {} };
          },
        }),
      },
      trustProxy: false,
    },
    () => {},
  );
  return { listener, port: await listener.listen(0, "127.0.0.1") };
}
