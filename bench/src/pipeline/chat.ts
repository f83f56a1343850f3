/**
 * How long a line of chat takes from the SDK call of who says it to the SDK event of somebody who reads it, moderation in between.
 * Rooms of a dozen people, so that the lines of all together come at the rate asked for without anybody being over their own limit.
 */
import type { PipelineChoice } from "@copresence/server/pipeline";
import { Crowd } from "@copresence/simulations/bots";
import { paced, pause, quantiles } from "./timing.ts";
import { startRoomServer } from "./room-server-client.ts";

export type ChatSettings = {
  readonly rooms: number;
  readonly people: number;
  readonly linesPerSecond: number;
  readonly warmMs: number;
  readonly measureMs: number;
};
export type ChatResult = {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
  readonly missing: number;
  readonly degraded: number;
  readonly perSecond: number;
};

/** What people say, some of it not nice, with a number to know it by. */
const PHRASES = [
  "has anyone seen the gasket set",
  "nice throw!",
  "you are such an idiot",
  "meet at the pump in five, bring the long ladder and both lamps please",
  "gg",
  "that valve turns the wrong way, doesn't it?",
  "free skins at my site, click now",
  "k y s loser",
  "who wants to hold the other end",
  "lol no way",
];
const POSES_HZ = 5;
/** Longer than a line is ever held. */
const SETTLE_MS = 1000;

export async function chatLatency(choice: PipelineChoice, settings: ChatSettings): Promise<ChatResult> {
  const spaces = Array.from({ length: settings.rooms }, (_, i) => `chat-${i}`);
  const server = await startRoomServer({ pipeline: choice, tickRateHz: 60, spaces });
  const crowds: Crowd[] = [];
  const sent = new Map<string, number>();
  const tookMs: number[] = [];
  const arrived = (number: string): void => {
    const atMs = sent.get(number);
    if (atMs !== undefined && sent.delete(number)) tookMs.push(performance.now() - atMs);
  };
  try {
    for (const space of spaces) {
      const crowd = await Crowd.join({
        url: server.url,
        space,
        count: settings.people,
        seed: 1,
        rateHz: POSES_HZ,
        handles: false,
        talks: false,
        looks: false,
      });
      if (!crowd.ok) throw new Error(crowd.error.sentence);
      crowds.push(crowd.value);
      crowd.value.bots.forEach(({ space: someone }, at) =>
        someone.on("chat", ({ text, mine, hidden }) => {
          // One reader per room, who says nothing; a line that is hidden comes back to its author alone, and that is its end.
          if (at === 0 || (mine && hidden)) arrived(/#(\d+)$/.exec(text)?.[1] ?? "");
        }),
      );
    }
    let line = 0;
    const startedMs = performance.now();
    await paced(settings.linesPerSecond, settings.warmMs + settings.measureMs, () => {
      const number = String(++line);
      const crowd = crowds[line % crowds.length];
      const speaker = 1 + (Math.floor(line / crowds.length) % (settings.people - 1));
      const text = `${PHRASES[line % PHRASES.length]} #${number}`;
      if (performance.now() - startedMs >= settings.warmMs) sent.set(number, performance.now());
      crowd?.bots[speaker]?.space.chat(text);
    });
    await pause(SETTLE_MS);
    server.tell({ kind: "record" });
    const { health } = await server.take();
    const [p50, p99] = quantiles(tookMs, [0.5, 0.99]);
    const perSecond = (tookMs.length + sent.size) / (settings.measureMs / 1000);
    return { p50: p50 ?? NaN, p99: p99 ?? NaN, count: tookMs.length, missing: sent.size, degraded: health.degradedAnswers, perSecond };
  } finally {
    await Promise.all(crowds.map((crowd) => crowd.leave()));
    await server.stop();
  }
}
