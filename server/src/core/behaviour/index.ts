export { type BehaviourModel, OFFENCES, readBehaviourModel } from "./behaviour-model.ts";
export { type AlarmKind, type AlarmNotice, BehaviourWatch } from "./behaviour-watch.ts";
export { type FloodKind, FLOODS, FloodWatch } from "./flood-watch.ts";
export { SAMPLES_HZ } from "./motion-track.ts";
export { PAIR_FEATURES } from "./pair-features.ts";
