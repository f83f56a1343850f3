/**
 * What one asker sees of an index: everything, or what is left when the objects they may not find are taken out.
 *
 * [SG1] Hidden objects take part in nothing: an answer is the one that the same scene without them would give.
 * [SG2] A sight is made once per set of rules and state of the index, at the cost of a look at every object; asking it costs a look into an array.
 */
import { judgeOf, type ResolvedRight } from "@copresence/shared/scene";
import type { Point } from "./grid.ts";
import type { Kind } from "./kinds.ts";
import type { Bounds } from "./measures.ts";
import type { SceneIndex } from "./scene-index.ts";

const AXES = ["x", "y", "z"] as const;

export class Sight {
  /** How many objects the asker sees. */
  readonly size: number;
  private readonly index: SceneIndex;
  /** 1 per visible slot; undefined: all are. */
  private readonly shown: Uint8Array | undefined;
  private readonly kinds: Set<Kind> | undefined;
  private box: Bounds | undefined;

  constructor(index: SceneIndex, rules: ResolvedRight | undefined) {
    this.index = index;
    if (rules === undefined) {
      this.size = index.size;
      return;
    }
    const judge = judgeOf(rules);
    const shown = new Uint8Array(index.slotEnd);
    const kinds = new Set<Kind>();
    let size = 0;
    for (const slot of index.all()) {
      const object = index.at(slot);
      if (object === undefined) continue;
      const { x, y, z } = object.point;
      if (!judge({ object: object.id, type: object.type, position: object.placed ? [x, y, z] : undefined })) continue;
      shown[slot] = 1;
      kinds.add(object.kind);
      size++;
    }
    [this.size, this.shown, this.kinds] = [size, shown, kinds];
  }

  admits(slot: number): boolean {
    return this.shown === undefined || this.shown[slot] === 1;
  }
  /** Whether a thing of this kind is to be seen. */
  hasKind(kind: Kind): boolean {
    return this.kinds === undefined || this.kinds.has(kind);
  }
  /** How many see-able things hold the term. */
  holders(term: string): number {
    const { words } = this.index;
    return this.shown === undefined ? words.count(term) : words.count(term, (slot) => this.admits(slot));
  }
  knows(term: string): boolean {
    if (this.shown === undefined) return this.index.words.has(term);
    for (const slot of this.index.words.holders(term)) if (this.admits(slot)) return true;
    return false;
  }
  /** Known terms that `term` may have been meant as. */
  near(term: string): string[] {
    return this.index.words.near(term, this.shown === undefined ? undefined : (known) => this.knows(known));
  }
  within(centre: Point, radiusM: number): number[] {
    const slots = this.index.grid.within(centre, radiusM);
    return this.shown === undefined ? slots : slots.filter((slot) => this.admits(slot));
  }
  /** The `count` nearest, nearest first. */
  nearest(centre: Point, count: number): number[] {
    return this.index.grid.nearest(centre, count, this.shown === undefined ? undefined : (slot) => this.admits(slot));
  }

  /** The box around everything that has a place. */
  bounds(): Bounds {
    if (this.box !== undefined) return this.box;
    const min: [number, number, number] = [Infinity, Infinity, Infinity];
    const max: [number, number, number] = [-Infinity, -Infinity, -Infinity];
    for (const slot of this.index.all()) {
      const object = this.index.at(slot);
      if (object?.placed !== true || !this.admits(slot)) continue;
      AXES.forEach((axis, i) => {
        min[i] = Math.min(min[i] ?? 0, object.point[axis] - object.half[axis]);
        max[i] = Math.max(max[i] ?? 0, object.point[axis] + object.half[axis]);
      });
    }
    this.box = Number.isFinite(min[0]) ? { min, max } : { min: [0, 0, 0], max: [0, 0, 0] };
    return this.box;
  }
}
