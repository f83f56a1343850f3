/** People who make, change and remove things: at work, and to spoil the place. Event times only; the room counts them. */
import { FLOODS as FLOOD_SCENES, type FloodKind, FloodWatch } from "@copresence/server/behaviour";
import { Random } from "../random.ts";

export { FLOOD_SCENES };

/** Seconds until the first alarm about somebody who spoils the place; Infinity: none in 30 s. */
export function floodCaughtS(kind: FloodKind, seed: number): number {
  const random = new Random(seed).fork(kind);
  const perSecond = kind === "objectSpam" ? random.between(8, 40) : kind === "vandalism" ? random.between(4.5, 20) : random.between(2, 8);
  return firstAlarmS(random, () => perSecond, kind);
}

/** The same for somebody at work: typing, placing a row of things, clearing up a few, chatting. Infinity is right. */
export function workAlarmS(seed: number): number {
  const random = new Random(seed).fork("work");
  const kind = random.pick(FLOOD_SCENES);
  const most = kind === "objectSpam" ? 4 : kind === "vandalism" ? 2 : 1;
  return firstAlarmS(random, (second) => (second % 7 < 4 ? random.between(0, most) : 0), kind);
}

function firstAlarmS(random: Random, rate: (second: number) => number, kind: FloodKind): number {
  let [alarmS, timeS] = [Number.POSITIVE_INFINITY, 0];
  const watch = new FloodWatch(() => void (alarmS = Math.min(alarmS, timeS)));
  for (let second = 0; second < 30; second++) {
    const wanted = rate(second);
    const events = Math.floor(wanted) + (random.chance(wanted % 1) ? 1 : 0);
    for (let i = 0; i < events; i++) {
      if (kind === "objectSpam") watch.changed(1, `o-${random.int(1e6)}`);
      else if (kind === "vandalism") watch.removed(1);
      else watch.said(1);
    }
    timeS = second + 1;
    watch.second();
  }
  return alarmS;
}
