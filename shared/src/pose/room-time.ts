/**
 * Sample time on the wire: a whole number of time units (a power-of-two part of a tick, about 0.7 to 1.05 ms) since the room's
 * start, carried as the sample's lag behind the tick of the frame. The lag of one source changes slowly, so a block carries only
 * its change since the reference: 4 bits of sub-tick at most in the usual case, 1 when nothing changed.
 */

/** Lag bounds in time units: the room admits samples from 1 s old to 100 ms ahead. */
export const LAG_MIN = -255;
export const LAG_MAX = 4095;

export class RoomTime {
  readonly tickRateHz: number;
  /** Time units per tick: 16 at 60 Hz and above, more for slower rooms so that a unit never exceeds 1.05 ms. */
  readonly unitsPerTick: number;
  readonly unitMs: number;

  constructor(tickRateHz: number) {
    let units = 16;
    while (tickRateHz * units < 950) units *= 2;
    this.tickRateHz = tickRateHz;
    this.unitsPerTick = units;
    this.unitMs = 1000 / (tickRateHz * units);
  }

  /** Lag of a sample measured at `timeMs` behind `tick`, in units, clamped to the wire's bounds. */
  lag(tick: number, timeMs: number): number {
    const lag = Math.floor(tick * this.unitsPerTick - timeMs / this.unitMs + 0.5);
    return lag < LAG_MIN ? LAG_MIN : lag > LAG_MAX ? LAG_MAX : lag === lag ? lag : 0;
  }
  /** Time units since the room's start. */
  units(tick: number, lag: number): number {
    return tick * this.unitsPerTick - lag;
  }
  toMs(units: number): number {
    return units * this.unitMs;
  }
}
