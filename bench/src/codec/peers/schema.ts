/**
 * Colyseus 0.18: a person's pose as float32 fields of @colyseus/schema, through its real encoder; one patch per update. Unchanged fields
 * are left out, as Colyseus does. Two layouts: a Schema per device in a Schema per person, as tutorials have it, which is judged; and all
 * fields flat in the person, the smallest that schema can do.
 */
import { Encoder, schema, t } from "@colyseus/schema";
import { POSE_FLOATS, type Recording } from "../recordings.ts";
import type { Peer, PeerResult } from "./peer.ts";

const PARTS = ["x", "y", "z", "qx", "qy", "qz", "qw"] as const;
const Device = schema(
  { x: t.float32(), y: t.float32(), z: t.float32(), qx: t.float32(), qy: t.float32(), qz: t.float32(), qw: t.float32() },
  "Device",
);
const Person = schema({ timeMs: t.uint32(), head: t.ref(Device), left: t.ref(Device), right: t.ref(Device) }, "Person");
const Room = schema({ people: t.map(Person) }, "Room");

const FLAT_NAMES = Array.from({ length: POSE_FLOATS }, (_, i) => `f${i}`);
const FlatPerson = schema({ timeMs: t.uint32(), ...Object.fromEntries(FLAT_NAMES.map((name) => [name, t.float32()])) }, "FlatPerson");
const FlatRoom = schema({ people: t.map(FlatPerson) }, "FlatRoom");

const nested =
  (timed: boolean) =>
  (recording: Recording): PeerResult => {
    const room = new Room();
    const devices = [new Device(), new Device(), new Device()] as const;
    const [head, left, right] = devices;
    const person = new Person({ timeMs: 0, head, left, right });
    room.people.set("person", person);
    return patches(recording, new Encoder(room), (frame) => {
      if (timed) person.timeMs = Math.round(recording.timesMs[frame] as number);
      for (let i = 0; i < POSE_FLOATS; i++) {
        const device = devices[Math.floor(i / PARTS.length)] as (typeof devices)[number];
        device[PARTS[i % PARTS.length] as (typeof PARTS)[number]] = recording.poses[frame * POSE_FLOATS + i] as number;
      }
    });
  };

function flat(recording: Recording): PeerResult {
  const room = new FlatRoom();
  const person = new FlatPerson() as InstanceType<typeof FlatPerson> & Record<string, number>;
  room.people.set("person", person);
  return patches(recording, new Encoder(room), (frame) => {
    person.timeMs = Math.round(recording.timesMs[frame] as number);
    FLAT_NAMES.forEach((name, i) => (person[name] = recording.poses[frame * POSE_FLOATS + i] as number));
  });
}

export const schemaFloats: readonly Peer[] = [
  { id: "colyseus", name: "Colyseus schema, float32, a schema per device", bar: 15, prepare: () => nested(true) },
  { id: "colyseus_untimed", name: "the same without sample times", bar: undefined, prepare: () => nested(false) },
  { id: "colyseus_flat", name: "Colyseus schema, float32, fields flat", bar: undefined, prepare: () => flat },
];

function patches({ frames }: Recording, encoder: Encoder, set: (frame: number) => void): PeerResult {
  let bytes = 0;
  for (let frame = 0; frame < frames; frame++) {
    set(frame);
    const patch = encoder.encode();
    if (frame > 0) bytes += patch.length;
    encoder.discardChanges();
  }
  return { bytes: bytes / (frames - 1) };
}
