/**
 * A hall with ten thousand things and questions about them, from one seed: what latency, recall, freshness and memory are measured on.
 * Things stand in 400 bays of 25, so that relations have answers; names are ordinary words with numbers, colours and rooms.
 */
import type { ObjectEvent, Viewer } from "./scene-file.ts";
import { viewerOf } from "./scene-file.ts";

const NAMES =
  "chair|office chair|table|desk|lamp|floor lamp|monitor|keyboard|cup|bottle|plant|bookshelf|cabinet|sofa|pillow|door|window|picture|clock|trash can|box|crate|pump|gate valve|pressure gauge|pipe|motor|ladder|fire extinguisher|smoke detector|light switch|power outlet|printer|whiteboard|projector|toolbox|hammer|conveyor|robot arm|tank|fan|radiator|sink|refrigerator|microwave|stool|bench|carpet|mirror|vase".split(
    "|",
  );
const COLOURS = ["#cc0000", "#0000cc", "#00aa00", "#dddd00", "#808080", "#ffffff", "#101010", "#8b4513"];
const BAY = 25;
const BAY_M = 5;

/** mulberry32 */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function largeScene(count: number, seed = 1): ObjectEvent[] {
  const random = randomOf(seed);
  const side = Math.ceil(Math.sqrt(count / BAY));
  return Array.from({ length: count }, (_, i) => {
    const bay = Math.floor(i / BAY);
    const size = [0.1 + random() * 1.4, 0.1 + random() * 1.8, 0.1 + random() * 1.4];
    const name = NAMES[Math.floor(random() * NAMES.length)] ?? "box";
    return {
      kind: "object",
      object: `o${i}`,
      version: 1,
      type: "prop",
      label: random() < 0.3 ? `${name} ${i}` : name,
      text: random() < 0.1 ? "checked in spring, due for service" : "",
      position: [((bay % side) + random()) * BAY_M, (size[1] ?? 0) / 2 + (random() < 0.2 ? 1 : 0), (Math.floor(bay / side) + random()) * BAY_M],
      sizeM: Math.max(...size),
      size,
      color: random() < 0.6 ? (COLOURS[Math.floor(random() * COLOURS.length)] ?? "") : "",
      room: `bay B${bay}`,
    };
  });
}

const QUESTIONS = [
  "the red valve near the pump, left of me",
  "closest chair to the printer",
  "nearest fire extinguisher",
  "second chair from the left",
  "biggest tank in front of me",
  "something to sit on by the window",
  "lamp on the desk",
  "cup between the monitor and the keyboard",
  "the crate farthest from the robot arm",
  "white cabinet next to the sink behind me",
  "where can I throw away rubbish",
  "gauge above the pipe",
  "couch",
  "how many chairs are in bay B17",
  "the bottle on the table next to the sofa",
  "tallest bookshelf in this room",
  "blue box not near the door",
  "what is left of the projector",
  "plant in the corner",
  "socket under the whiteboard near me",
  "ventilator 42",
  "the pump",
  "everything",
  "vlave",
];

export function largeQuestions(count: number, seed = 2): { readonly text: string; readonly viewer: Viewer | null }[] {
  const random = randomOf(seed);
  return Array.from({ length: count }, (_, i) => ({
    text: QUESTIONS[i % QUESTIONS.length] ?? "",
    viewer: viewerOf({ position: [random() * 100, 1.6, random() * 100], yaw: random() * 6.28 }),
  }));
}
