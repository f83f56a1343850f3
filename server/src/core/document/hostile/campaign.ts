/**
 * The hostile campaign: many damaged and many forged updates by attackers of several roles, then every heavy attack, against rooms whose protected
 * state is watched by a mirror (hostile-room.ts).
 *
 * [HC1] The same seed gives the same updates; a broken promise names the seed, the round and the bytes.
 * [HC2] A handler that seemed slow is run again on a copy of the room as it was, and the fastest of the runs counts: a collector's or scheduler's
 *       pause is nobody's attack.
 */
import { Dice } from "./dice.ts";
import { forge } from "./forgeries.ts";
import { HEAVY, type HeavyAttack } from "./heavy.ts";
import { type AttackerRole, HostileRoom } from "./hostile-room.ts";
import { mutate } from "./mutations.ts";

export type CampaignOptions = {
  readonly seed: number;
  readonly mutated: number;
  readonly forged: number;
  /** 1 for the full heavy attacks. */
  readonly scale: number;
  /** Default: every one. */
  readonly heavy?: readonly HeavyAttack[];
  readonly onProgress?: (done: number, total: number) => void;
};
export type CampaignResult = {
  /** Sentences, each with what is needed to have it again. */
  readonly bypasses: readonly string[];
  readonly slowestMs: number;
  readonly slowest: string;
  readonly admitted: number;
  readonly refused: number;
};

/** Updates one room takes before the next: long enough to build on what was let in. */
const ROOM_UPDATES = 2000;
/** A handler slower than this is measured again. */
const SUSPECT_MS = 20;
const RETRIES = 4;
const ROLES: readonly AttackerRole[] = ["member", "editor", "member", "guest"];

export class Campaign {
  private readonly bypasses: string[] = [];
  private slowestMs = 0;
  private slowest = "";
  private admitted = 0;
  private refused = 0;
  private done = 0;
  private readonly options: CampaignOptions;
  private besieged: HostileRoom | undefined;

  constructor(options: CampaignOptions) {
    this.options = options;
  }

  run(): CampaignResult {
    const { seed, mutated, forged } = this.options;
    this.wave("mutated", mutated, seed, mutate);
    this.wave("forged", forged, seed + 1, forge);
    for (const { name, updates } of this.options.heavy ?? HEAVY) {
      const room = new HostileRoom("member");
      for (const update of updates(room, this.options.scale)) this.strike(room, update, name);
      this.close(room, name);
    }
    const { bypasses, slowestMs, slowest, admitted, refused } = this;
    return { bypasses, slowestMs, slowest, admitted, refused };
  }

  private wave(kind: string, count: number, seed: number, make: (dice: Dice, room: HostileRoom) => Uint8Array): void {
    const total = this.options.mutated + this.options.forged;
    for (let from = 0, number = 0; from < count; from += ROOM_UPDATES, number++) {
      const dice = new Dice(seed * 7919 + number);
      const role = ROLES[number % ROLES.length] as AttackerRole;
      // Nothing of theirs is ever let in: one room stands all of it, and must not grow.
      const room = role === "guest" ? (this.besieged ??= new HostileRoom(role)) : new HostileRoom(role);
      const name = `${kind}, seed ${seed}, room ${number}`;
      for (let round = from; round < Math.min(count, from + ROOM_UPDATES); round++) {
        this.strike(room, make(dice, room), name);
        if (++this.done % 10_000 === 0) this.options.onProgress?.(this.done, total);
      }
      this.close(room, name);
    }
  }

  private strike(room: HostileRoom, update: Uint8Array, name: string): void {
    const records = room.log.length;
    let broken: string | undefined;
    try {
      broken = room.attack(update);
    } catch (error) {
      broken = `the room failed: ${String(error)}`;
    }
    if (room.log.length > records) this.admitted++;
    else this.refused++;
    if (broken !== undefined) this.note(name, broken, update);
    if (room.tookMs <= Math.max(SUSPECT_MS, this.slowestMs)) {
      if (room.tookMs > this.slowestMs) this.slow(room.tookMs, name);
      return;
    }
    // The room as it was before the update: everything durable but its records.
    const tookMs = Math.min(room.tookMs, ...Array.from({ length: RETRIES }, () => again(room, records, update)));
    if (tookMs > this.slowestMs) this.slow(tookMs, name);
  }

  private slow(tookMs: number, name: string): void {
    this.slowestMs = tookMs;
    this.slowest = name;
  }

  private close(room: HostileRoom, name: string): void {
    for (const broken of [room.victimWorks(), room.reloads()]) if (broken !== undefined) this.note(name, broken, undefined);
    if (room !== this.besieged) room.mirror.destroy();
  }

  private note(name: string, broken: string, update: Uint8Array | undefined): void {
    const hex = update === undefined ? "" : ` by ${Buffer.from(update.subarray(0, 200)).toString("hex")}`;
    this.bypasses.push(`${name}: ${broken}${hex}`);
  }
}

function again(room: HostileRoom, records: number, update: Uint8Array): number {
  const copy = new HostileRoom(room.role, room.saved(records));
  try {
    copy.attack(update);
  } catch {
    // Reported where it happened first.
  }
  copy.mirror.destroy();
  return copy.tookMs;
}
