/** What the bundle leaves behind in an engine: `engineRun(frames, seed)`, as a string of JSON, because that crosses every border. */
import { engineRun } from "./engine-run.ts";

Object.assign(globalThis, { engineRun: (frames: number, seed: number): string => JSON.stringify(engineRun(frames, seed)) });
