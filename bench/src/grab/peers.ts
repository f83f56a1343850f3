/**
 * How others settle the same races, on the same kind of links: the rules, without their rendering.
 *
 * [GP1] `naf`: networked-aframe's ownership transfer. Whoever takes it owns it at once and tells the others through the server; each keeps the
 *       newest claim by the claimants' idea of server time (ties by client id), so the *last* touch wins. Its clock comes from ten HEAD requests
 *       whose Date header has whole seconds, with its own rule for averaging them.
 * [GP2] `last_message`: ownership without times, as hand-written rooms do it: whatever was heard last.
 */
import { LINK, RTT_MS, TICK_MS } from "./stage.ts";
import { Random } from "@copresence/simulations/world";
import type { Touches } from "./races.ts";

export type PeerResult = { readonly split: number; readonly splitAtBar: number; readonly firstWins: number };
export type Peer = "naf" | "last_message";

type Replica = { owner: number; sinceMs: number };
type Claim = { readonly owner: number; readonly sinceMs: number };

/** Races settled by one rule. The third replica looks on. */
export function runPeer(peer: Peer, races: readonly Touches[], seed: number): PeerResult {
  const random = new Random(seed).fork(peer);
  let split = 0;
  let splitAtBar = 0;
  let firstWins = 0;
  for (const { atMs } of races) {
    const clocks = [0, 0].map(() => (peer === "naf" ? nafClockErrorMs(random) : 0));
    const replicas: Replica[] = [0, 1, 2].map(() => ({ owner: -1, sinceMs: Number.NEGATIVE_INFINITY }));
    const events: { readonly ms: number; readonly run: () => void }[] = [];
    const play = (untilMs: number): void => {
      for (;;) {
        events.sort((a, b) => a.ms - b.ms);
        const next = events[0];
        if (next === undefined || next.ms > untilMs) return;
        events.shift();
        next.run();
      }
    };
    let stalledMs = 0;
    const leg = (): number => {
      const stall = random.chance(LINK.loss) ? 2.5 * LINK.delayMs + 20 : 0;
      stalledMs += stall;
      return LINK.delayMs + stall;
    };
    for (const who of [0, 1]) {
      events.push({
        ms: atMs[who] as number,
        run: () => {
          const replica = replicas[who] as Replica;
          const claim: Claim = { owner: who, sinceMs: (atMs[who] as number) + (clocks[who] as number) };
          if (peer === "naf" && !(replica.sinceMs < claim.sinceMs)) return;
          Object.assign(replica, claim);
          const atServerMs = (atMs[who] as number) + leg();
          for (const other of [0, 1, 2]) {
            if (other !== who) events.push({ ms: atServerMs + leg(), run: () => hear(peer, replicas[other] as Replica, claim) });
          }
        },
      });
    }
    const agree = (): boolean => replicas.every(({ owner }) => owner === replicas[0]?.owner);
    const lastMs = Math.max(...atMs);
    play(lastMs);
    play(lastMs + RTT_MS + 2 * TICK_MS + stalledMs);
    if (!agree()) splitAtBar++;
    play(Number.POSITIVE_INFINITY);
    if (!agree()) split++;
    else if (replicas[0]?.owner === (atMs[0] <= atMs[1] ? 0 : 1)) firstWins++;
  }
  return { split, splitAtBar, firstWins };
}

function hear(peer: Peer, replica: Replica, claim: Claim): void {
  if (peer === "naf" && (claim.sinceMs < replica.sinceMs || (claim.sinceMs === replica.sinceMs && replica.owner > claim.owner))) return;
  Object.assign(replica, claim);
}

/** [GP1] Error of the estimated server time after the ten requests made at the start, ms. */
function nafClockErrorMs(random: Random): number {
  const offsets: number[] = [];
  let average = 0;
  const startMs = random.between(0, 1000);
  for (let i = 0; i < 10; i++) {
    const serverMs = startMs + i * RTT_MS + RTT_MS / 2;
    const headerMs = Math.floor(serverMs / 1000) * 1000 + 500;
    // What was sent is stamped with the estimate so far, what is received is not: its own rule.
    offsets.push(headerMs + (RTT_MS - average) / 2 - (serverMs + RTT_MS / 2));
    average = offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length;
  }
  return average;
}
