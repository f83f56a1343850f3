/** Plays a scene in front of a BehaviourWatch, ten samples a second, as the room would. */
import { type AlarmNotice, type BehaviourModel, BehaviourWatch, SAMPLES_HZ } from "@copresence/server/behaviour";
import { Random } from "../random.ts";
import { type Agent, poseOf, STEP_S } from "./agents.ts";
import { OFFENDERS } from "./offenders.ts";
import { BENIGN, type BenignName, type Scene } from "./scenes.ts";

export type Alarm = AlarmNotice & { readonly timeS: number };
export type Played = { readonly alarms: readonly Alarm[]; readonly personHours: number; readonly baselineAlarms: number };

/** The baseline everybody writes first: heads closer than this for so long, once per pair and encounter. */
const BASELINE_M = 1.2;
const BASELINE_S = 3;

export function play(scene: Scene, seconds: number, model: BehaviourModel, onSecond?: (watch: BehaviourWatch, timeS: number) => void): Played {
  const { agents } = scene;
  const alarms: Alarm[] = [];
  let timeS = 0;
  const watch = new BehaviourWatch({
    capacity: agents.length,
    looksHz: SAMPLES_HZ,
    model,
    poseOf: (slot, out) => {
      poseOf(agents[slot] as Agent, timeS, out);
      return true;
    },
    exempt: () => false,
    alarm: (notice) => void alarms.push({ ...notice, timeS }),
  });
  const slots = Int16Array.from(agents.keys());
  const near = new Float32Array(agents.length ** 2);
  let baselineAlarms = 0;
  for (let i = 1; i <= seconds / STEP_S; i++) {
    timeS = i * STEP_S;
    scene.step(timeS);
    watch.sample(slots, slots.length);
    watch.look();
    baselineAlarms += baseline(agents, near);
    if (i % 10 === 0) onSecond?.(watch, timeS);
  }
  return { alarms, personHours: (agents.length * seconds) / 3600, baselineAlarms };
}

function baseline(agents: readonly Agent[], near: Float32Array): number {
  let fired = 0;
  for (let a = 0; a < agents.length; a++) {
    for (let b = a + 1; b < agents.length; b++) {
      const [p, q] = [agents[a] as Agent, agents[b] as Agent];
      const at = a * agents.length + b;
      const before = near[at] as number;
      near[at] = Math.hypot(p.x - q.x, p.z - q.z) < BASELINE_M ? before + STEP_S : 0;
      if (before < BASELINE_S && (near[at] as number) >= BASELINE_S) fired++;
    }
  }
  return fired;
}

/** An offence begins when the offender is this near. */
export const ONSET_M = 2;

export const benignScene = (name: BenignName, seed: number): Scene => BENIGN[name](new Random(seed).fork(name), 0, 0);

export type OffenceScene = Scene & { readonly offender: number; readonly victim: number };

/** An offender and a victim amid people who do something else. */
export function offenceScene(kind: keyof typeof OFFENDERS, seed: number): OffenceScene {
  const random = new Random(seed).fork(kind);
  const others = benignScene(random.pick(["crowd", "talk", "friends", "bench", "queue"]), random.u32());
  const far = random.between(1, 5);
  const offence = OFFENDERS[kind](random, far, far);
  const agents = [...offence.agents, ...others.agents];
  return {
    agents,
    offender: agents.indexOf(offence.offender),
    victim: agents.indexOf(offence.victim),
    step(timeS) {
      others.step(timeS);
      offence.step(timeS);
    },
  };
}
