/** Byte-level hostility: real updates, damaged. */
import * as Y from "yjs";
import type { Dice } from "./dice.ts";
import type { HostileRoom } from "./hostile-room.ts";

const INTERESTING = [0, 1, 2, 4, 7, 8, 10, 0x28, 0x27, 0x21, 0x3f, 0x7f, 0x80, 0xc0, 0xff, 117, 118, 119];
/** Updates a mutation starts from: the newest ones, which build on what is there now. */
const RECENT = 40;

/** A real update of the room with a few bytes changed, inserted, removed, repeated, or crossed with another's. */
export function mutate(dice: Dice, room: HostileRoom): Uint8Array {
  const corpus = room.log.slice(-RECENT);
  let bytes = dice.chance(5) ? [...Y.encodeStateAsUpdate(room.mirror)] : [...dice.pick(corpus).update];
  if (dice.chance(10)) {
    const other = dice.pick(corpus).update;
    bytes = [...bytes.slice(0, dice.roll(bytes.length + 1)), ...other.slice(dice.roll(other.length + 1))];
  }
  for (let n = 1 + dice.roll(5); n > 0 && bytes.length > 0; n--) {
    const at = dice.roll(bytes.length);
    switch (dice.roll(8)) {
      case 0:
        bytes.splice(at, 1);
        break;
      case 1:
        bytes.splice(at, 0, dice.roll(256));
        break;
      case 2:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.roll(8));
        break;
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + 1 + dice.roll(16)));
        break;
      case 4:
        bytes[at] = dice.pick(INTERESTING);
        break;
      case 5:
        bytes[at] = ((bytes[at] ?? 0) + (dice.chance(50) ? 1 : 255)) & 0xff;
        break;
      case 6:
        if (dice.chance(30)) bytes = bytes.slice(0, at);
        break;
      default:
        bytes[at] = dice.roll(256);
    }
  }
  return Uint8Array.from(bytes);
}
