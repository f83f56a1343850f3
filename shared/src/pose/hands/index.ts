export {
  CLASSES,
  FINGERS,
  GROUP_KINDS,
  HAND_FLOATS,
  HAND_LAYERS,
  HandLayer,
  HANDS,
  JOINT_FLOATS,
  JOINTS,
  MAX_HANDS_BYTES,
  OFFSET_PARENT,
  offsetAt,
  VALUES,
} from "./hand-format.ts";
export { HandEncoder } from "./hand-encoder.ts";
export { HandReader } from "./hand-reader.ts";
export { HandPoser, HandsState, newHandsPose } from "./hand-state.ts";
export { HAND_TABLE } from "./hand-table.ts";
export { HandWriter } from "./hand-writer.ts";
