/**
 * A model's trees, laid out for being walked some thousand times a second.
 *
 * [FO1] `score` is the sum of an ensemble's leaves, or, where a stop says that it can no longer reach the drift, the sum so far.
 */
import { type Ensemble, OFFENCES, type BehaviourModel } from "./behaviour-model.ts";

export class Forest {
  /** Base, drift, limit: in an array, because numbers of objects are boxed and every sum that begins with one is, too. */
  readonly numbers: Float64Array;
  private readonly roots: Uint16Array;
  private readonly feature: Int8Array;
  /** Where to part, or a leaf's value. */
  private readonly value: Float64Array;
  private readonly left: Uint16Array;
  private readonly right: Uint16Array;
  private readonly stopAfter: Uint16Array;
  private readonly stopBelow: Float64Array;

  constructor({ base, drift, limit, trees, stops = [] }: Ensemble) {
    const count = trees.reduce((sum, tree) => sum + tree.length, 0);
    this.numbers = Float64Array.of(base, drift, limit);
    this.roots = new Uint16Array(trees.length);
    this.feature = new Int8Array(count);
    this.value = new Float64Array(count);
    this.left = new Uint16Array(count);
    this.right = new Uint16Array(count);
    // The last one is never reached, so that no walk looks beyond the end.
    this.stopAfter = Uint16Array.from([...stops, [trees.length + 1, 0] as const], ([after]) => after);
    this.stopBelow = Float64Array.from([...stops, [0, 0] as const], ([, below]) => below);
    let at = 0;
    trees.forEach((tree, i) => {
      this.roots[i] = at;
      tree.forEach(([feature, value, left, right], node) => {
        this.feature[at + node] = feature;
        this.value[at + node] = value;
        this.left[at + node] = at + left;
        this.right[at + node] = at + right;
      });
      at += tree.length;
    });
  }

  /** Log-odds of an offence by the features in `row[from..]`, in the order of PAIR_FEATURES. */
  score(row: Float32Array, from: number): number {
    const { roots, feature, value, left, right, stopAfter, stopBelow } = this;
    let sum = this.numbers[0] as number;
    let stop = 0;
    for (let tree = 0; tree < roots.length; tree++) {
      if (tree === stopAfter[stop]) {
        if (sum < (stopBelow[stop] as number)) return sum;
        stop++;
      }
      let node = roots[tree] as number;
      for (let at = feature[node] as number; at >= 0; at = feature[node] as number) {
        node = (row[from + at] as number) <= (value[node] as number) ? (left[node] as number) : (right[node] as number);
      }
      sum += value[node] as number;
    }
    return sum;
  }
}

export const DRIFT = 1;
export const LIMIT = 2;

/** In the order of OFFENCES; the same forests for every room: they are only read. */
export function forestsOf(model: BehaviourModel): readonly Forest[] {
  let forests = MADE.get(model);
  if (forests === undefined) MADE.set(model, (forests = OFFENCES.map((offence) => new Forest(model.kinds[offence]))));
  return forests;
}
const MADE = new WeakMap<BehaviourModel, readonly Forest[]>();
