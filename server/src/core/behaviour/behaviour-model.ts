/**
 * The behaviour model: one small ensemble of decision trees per kind of offence, as data with a version. Pure; who loads the file checks
 * its digest.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import { PAIR_FEATURES } from "./pair-features.ts";

export const OFFENCES = ["following", "blocking", "bubble", "gestures"] as const;
export type Offence = (typeof OFFENCES)[number];

/** A node is [feature, threshold, left, right] (left where value <= threshold) or, as a leaf, [-1, value, 0, 0]. */
export type Tree = readonly (readonly [number, number, number, number])[];
/** After so many trees, a sum below this never reaches the drift: most people do nothing, and need a few trees to show it. */
export type Stop = readonly [number, number];
/** `drift`: the log-odds of a look that neither adds evidence nor takes any away. `limit`: how much of it is an alarm. */
export type Ensemble = {
  readonly base: number;
  readonly trees: readonly Tree[];
  readonly drift: number;
  readonly limit: number;
  readonly stops?: readonly Stop[] | undefined;
};
export type BehaviourModel = {
  readonly id: string;
  readonly version: string;
  readonly features: readonly string[];
  readonly kinds: Readonly<Record<Offence, Ensemble>>;
};

const TREES_MAX = 200;
const NODES_MAX = 64;

/** Reads a model from parsed JSON; a sentence says what is wrong with it. */
export function readBehaviourModel(json: unknown): Result<BehaviourModel, string> {
  const model = json as BehaviourModel;
  if (typeof model?.id !== "string" || typeof model.version !== "string") return err("A behaviour model has an id and a version.");
  if (!Array.isArray(model.features) || model.features.join() !== PAIR_FEATURES.join()) {
    return err("The behaviour model was trained for other features than this build computes; train it again.");
  }
  for (const offence of OFFENCES)
    if (!isEnsemble(model.kinds?.[offence])) return err(`The behaviour model's "${offence}" is not an ensemble of trees.`);
  return ok(model);
}

function isEnsemble(value: unknown): boolean {
  const { base, drift, limit, trees, stops = [] } = (value ?? {}) as Partial<Ensemble>;
  if (!Number.isFinite(base) || !Number.isFinite(drift) || !((limit ?? 0) > 0)) return false;
  if (!Array.isArray(stops) || !stops.every(isStop)) return false;
  return Array.isArray(trees) && trees.length <= TREES_MAX && trees.every(isTree);
}

const isStop = (stop: unknown): boolean => Array.isArray(stop) && stop.length === 2 && Number.isInteger(stop[0]) && Number.isFinite(stop[1]);

/** Children come after their parent, so every walk ends. */
function isTree(tree: unknown): boolean {
  if (!Array.isArray(tree) || tree.length === 0 || tree.length > NODES_MAX) return false;
  return tree.every((node: unknown, index) => {
    if (!Array.isArray(node) || node.length !== 4 || !node.every(Number.isFinite)) return false;
    const [feature, , left, right] = node as [number, number, number, number];
    if (feature < 0) return true;
    const child = (at: number): boolean => Number.isInteger(at) && at > index && at < tree.length;
    return Number.isInteger(feature) && feature < PAIR_FEATURES.length && child(left) && child(right);
  });
}
