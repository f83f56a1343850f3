/**
 * A room's pose plane, made when the first person comes.
 *
 * [LP1] Its tables are for a thousand people: 10 MB of address space and milliseconds to clear. A room of document peers alone, or one that
 *       was opened for its document and not entered yet, has none of it.
 * [LP2] Once made it stays: a room whose last person left is soon entered again, or gone.
 */
import { PosePlane } from "./pose-plane.ts";

export class LatePlane {
  private readonly options: ConstructorParameters<typeof PosePlane>[0];
  private made: PosePlane | undefined;

  constructor(options: ConstructorParameters<typeof PosePlane>[0]) {
    this.options = options;
  }

  /** Whether anybody has ever come. */
  get exists(): boolean {
    return this.made !== undefined;
  }

  get plane(): PosePlane {
    return (this.made ??= new PosePlane(this.options));
  }

  /** The plane for somebody who comes after `tick` has run: as if it had been there all along. */
  begin(tick: number): PosePlane {
    if (this.made === undefined && tick > 0) this.plane.encodeTick(tick);
    return this.plane;
  }
}
