export {
  ANALOG_MAX,
  Button,
  CONTROL_VALUES,
  type Controls,
  Gesture,
  GESTURE_MAX,
  MAX_CONTROLS_BYTES,
  newControls,
  sameControls,
  writeControls,
} from "./controls.ts";
export { decodeGaze, encodeGaze, GAZE_BYTES, type GazeCode, newGazeCode, sameGaze, writeGaze } from "./gaze.ts";
export { ALL_STREAMS, handLag, Stream, STREAM_HZ, StreamSection } from "./stream-format.ts";
export type { StreamSink } from "./stream-reader.ts";
export { STREAM_HEAD_ROOM, StreamBodyReader, writeStreamBody } from "./stream-uplink.ts";
