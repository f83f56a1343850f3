/**
 * JSON as networked-aframe sends it (networked.js, createSyncData, and its socket.io adapter): one `um` message per update with three
 * networked entities, rotations as Euler angles in degrees, numbers with the digits that float32 poses have when JavaScript prints them.
 * Entities that did not change are left out, as there.
 */
import { DEVICE_COUNT, deviceAt, type Recording } from "../recordings.ts";
import type { Peer, PeerResult } from "./peer.ts";

/** As long as the real ones: socket.io ids have 20 characters, network ids 7. */
const CLIENT = "Xb3kTq0vYw8sLm2aAAAB";
const NETWORK_IDS = ["q7x2m4k", "b9d1z8r", "w3n6c5p"] as const;
const TEMPLATES = ["#head-template", "#left-hand-default-template", "#right-hand-default-template"] as const;
const RIG = "h5j0t2y";
const OWNER_TIME_MS = 1_767_225_600_123;
const DEGREES = 180 / Math.PI;

export const jsonEntities: Peer = { id: "json", name: "JSON (networked-aframe style)", bar: 150, prepare: () => measure };

function measure(recording: Recording): PeerResult {
  let bytes = 0;
  for (let frame = 1; frame < recording.frames; frame++) {
    const d = [];
    for (let device = 0; device < DEVICE_COUNT; device++) {
      const components = changed(recording, frame, device);
      if (Object.keys(components).length > 0) d.push(syncData(device, components));
    }
    const message = { from: CLIENT, type: "um", data: { d }, broadcasting: true };
    // 42: a socket.io event, the text of the WebSocket message. All of it is ASCII.
    if (d.length > 0) bytes += `42${JSON.stringify(["broadcast", message])}`.length;
  }
  return { bytes: bytes / (recording.frames - 1) };
}

const syncData = (device: number, components: object): object => ({
  networkId: NETWORK_IDS[device],
  owner: CLIENT,
  creator: CLIENT,
  lastOwnerTime: OWNER_TIME_MS,
  template: TEMPLATES[device],
  persistent: false,
  parent: RIG,
  components,
  isFirstSync: false,
});

/** Position and rotation of a device, those that differ from the frame before. */
function changed({ poses }: Recording, frame: number, device: number): Record<string, object> {
  const at = deviceAt(frame, device);
  const before = deviceAt(frame - 1, device);
  const differs = (from: number, to: number): boolean => {
    for (let c = from; c < to; c++) if (poses[at + c] !== poses[before + c]) return true;
    return false;
  };
  const components: Record<string, object> = {};
  const [x, y, z] = Array.from(poses.subarray(at, at + 3), Math.fround);
  if (differs(0, 3)) components["0"] = { x, y, z };
  if (differs(3, 7)) components["1"] = eulerYxz(poses, at + 3);
  return components;
}

/** Euler angles in A-Frame's order YXZ, degrees. */
function eulerYxz(quats: Float64Array, at: number): { x: number; y: number; z: number } {
  const [x = 0, y = 0, z = 0, w = 1] = quats.subarray(at, at + 4);
  const sine = Math.min(1, Math.max(-1, 2 * (w * x - y * z)));
  return {
    x: Math.asin(sine) * DEGREES,
    y: Math.atan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y)) * DEGREES,
    z: Math.atan2(2 * (x * y + w * z), 1 - 2 * (x * x + z * z)) * DEGREES,
  };
}
