/**
 * Temporal layers. T0 refers to T0 only, T1 to T0, T2 to the newest of T0 and T1 and is never referred to: dropping T2, or T1 and
 * T2, breaks nothing. At a steady source rate the layers follow each other T0 T2 T1 T2.
 */
import type { ReferenceBank } from "./references.ts";

export const Layer = { t0: 0, t1: 1, t2: 2 } as const;
export type Layer = (typeof Layer)[keyof typeof Layer];
export const LAYER_COUNT = 3;
/** Ticks between T0 blocks of a source that updates every tick. */
export const T0_PERIOD = 4;
export const T1_OFFSET = 2;

/** The layer a source's update at `tick` belongs to, given what was sent before; the encoder's choice. */
export function chooseLayer(bank: ReferenceBank, slot: number, tick: number): Layer {
  const t0 = bank.t0(slot);
  const since = tick - (bank.tick[t0] as number);
  if (since >= T0_PERIOD) return Layer.t0;
  if (since < T1_OFFSET) return Layer.t2;
  const t1 = bank.t1(slot);
  const t1IsNewer = bank.valid[t1] === 1 && (bank.tick[t1] as number) > (bank.tick[t0] as number);
  return t1IsNewer ? Layer.t2 : Layer.t1;
}

/** The layer a block without an explicit one has, from its distance to the newest T0 this end knows. */
export function standardLayer(sinceT0: number): Layer {
  const phase = sinceT0 & 3;
  return phase === 0 ? Layer.t0 : phase === T1_OFFSET ? Layer.t1 : Layer.t2;
}

/** Which references a block of `layer` uses. `older` is -1 where there is none. */
export class ReferenceChoice {
  newer = -1;
  older = -1;

  /** Entries as this end knows them; false when the newer one is absent. */
  choose(bank: ReferenceBank, slot: number, layer: Layer): boolean {
    const t0 = bank.t0(slot);
    const before = bank.olderT0(slot);
    const t1 = bank.t1(slot);
    this.newer = t0;
    this.older = bank.valid[before] === 1 ? before : -1;
    if (bank.valid[t0] !== 1) return false;
    if (layer !== Layer.t2 || bank.valid[t1] !== 1) return true;
    const t1Tick = bank.tick[t1] as number;
    if (t1Tick > (bank.tick[t0] as number)) {
      this.newer = t1;
      this.older = t0;
    } else if (this.older < 0 || t1Tick > (bank.tick[before] as number)) {
      this.older = t1;
    }
    return true;
  }
}
