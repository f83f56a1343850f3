/**
 * How far decoded poses lie from recorded ones: RMS over all devices and updates, of the distance in mm and of the turn in degrees.
 */
import { DEVICE_COUNT, deviceAt, type Recording } from "./recordings.ts";

export type Accuracy = { readonly mm: number; readonly deg: number };

/** `poses`: Float64Array[21 frames], as `recording.poses`. The first frame, an intra block, is not an update. */
export function accuracy(recording: Recording, poses: Float64Array): Accuracy {
  let metres = 0;
  let degrees = 0;
  for (let frame = 1; frame < recording.frames; frame++) {
    for (let device = 0; device < DEVICE_COUNT; device++) {
      const at = deviceAt(frame, device);
      metres += distanceSquare(poses, recording.poses, at);
      degrees += turnDegrees(poses, recording.poses, at + 3) ** 2;
    }
  }
  const count = (recording.frames - 1) * DEVICE_COUNT;
  return { mm: Math.sqrt(metres / count) * 1000, deg: Math.sqrt(degrees / count) };
}

function distanceSquare(a: Float64Array, b: Float64Array, at: number): number {
  let sum = 0;
  for (let c = 0; c < 3; c++) sum += ((a[at + c] as number) - (b[at + c] as number)) ** 2;
  return sum;
}

/** Through the chord between the quaternions: exact for small angles, where acos of the dot product is not. */
function turnDegrees(a: Float64Array, b: Float64Array, at: number): number {
  let minus = 0;
  let plus = 0;
  for (let c = 0; c < 4; c++) {
    minus += ((a[at + c] as number) - (b[at + c] as number)) ** 2;
    plus += ((a[at + c] as number) + (b[at + c] as number)) ** 2;
  }
  return (4 * Math.asin(Math.sqrt(Math.min(minus, plus)) / 2) * 180) / Math.PI;
}
