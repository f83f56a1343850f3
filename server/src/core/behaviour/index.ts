export { type BehaviourModel, OFFENCES, readBehaviourModel } from "./behaviour-model.ts";
export { type AlarmKind, type AlarmNotice, BehaviourWatch } from "./behaviour-watch.ts";
export { PAIR_FEATURES } from "./pair-features.ts";
