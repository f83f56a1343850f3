/**
 * A person's data, over everything that keeps any: handing it out, and erasing it. The same for a running server and for the command line
 * beside a stopped one (`npm run scenes -- export-person|erase-person`).
 *
 * [PD1] Everything that keeps something about people is a `PersonKeeper`; each is asked, and one that fails does not keep the others from it.
 * [PD2] Nobody is erased while they are here: their next edit would name them again.
 * [PD3] Open rooms forget the person before the store does, so that nothing that still waits to be written names them.
 */
import { randomBytes } from "node:crypto";
import { err, ok, type Result } from "@copresence/shared/base";
import { type AdminError, isAdmin } from "../store/store-admin.ts";
import type { SceneStore } from "../store/scene-store.ts";

/** What a keeper did; `left`: what a person must see to, in sentences. */
export type Erasure = { readonly done: Readonly<Record<string, number>>; readonly left: readonly string[] };
export type PersonKeeper = {
  /** Under which name its part of an export stands. */
  readonly keeps: string;
  /** Plain data: it becomes JSON, bytes as base64. */
  exportPerson(user: string): Promise<Result<unknown, string>>;
  erasePerson(user: string): Promise<Result<Erasure, string>>;
};

/** The rooms of this process. */
export type Rooms = {
  /** Names of the spaces the person is in, and what they hold there. */
  whereIs(user: string): readonly { readonly space: string; readonly holds: readonly string[] }[];
  forgetPerson(user: string, alias: string): void;
  /** Resolves when every room that has ended has written what it had to. */
  written(): Promise<void>;
};
export const NO_ROOMS: Rooms = { whereIs: () => [], forgetPerson: () => undefined, written: () => Promise.resolve() };

export type PersonExport = Readonly<Record<string, unknown>>;

export class PersonDesk {
  private readonly rooms: Rooms;
  private readonly keepers: readonly PersonKeeper[];

  constructor(rooms: Rooms, keepers: readonly PersonKeeper[]) {
    this.rooms = rooms;
    this.keepers = keepers;
  }

  async exportPerson(user: string, nowMs: number): Promise<Result<PersonExport, string>> {
    const parts: Record<string, unknown> = {};
    for (const keeper of this.keepers) {
      const part = await keeper.exportPerson(user);
      if (!part.ok) return err(part.error);
      parts[keeper.keeps] = part.value;
    }
    return ok({ format: "copresence-person", version: 1, user, exportedMs: nowMs, present: this.rooms.whereIs(user), ...parts });
  }

  /** [PD1] [PD2] */
  async erasePerson(user: string): Promise<Result<Erasure, string>> {
    const here = this.rooms.whereIs(user);
    if (here.length > 0)
      return err(`They are in ${here.map(({ space }) => space).join(", ")} now; ask them to leave, or remove them, and try again.`);
    const done: Record<string, number> = {};
    const left: string[] = [];
    for (const keeper of this.keepers) {
      const erased = await keeper.erasePerson(user);
      if (!erased.ok) left.push(erased.error);
      else {
        for (const [what, count] of Object.entries(erased.value.done)) done[`${keeper.keeps}.${what}`] = count;
        left.push(...erased.value.left);
      }
    }
    if (this.rooms.whereIs(user).length > 0) left.push("They came back while they were being erased; erase again when they have left.");
    return ok({ done, left });
  }
}

/** What scenes know of people. */
export function scenesKeeper(store: SceneStore, rooms: Rooms): PersonKeeper {
  const admin = isAdmin(store) ? store : undefined;
  const cannot = err("This server's store cannot tell what it keeps about a person.");
  return {
    keeps: "scenes",
    exportPerson: async (user) => sentence((await admin?.exportPerson(user)) ?? cannot),
    erasePerson: async (user) => {
      if (admin === undefined) return cannot;
      const alias = `erased-${randomBytes(8).toString("hex")}`;
      await rooms.written();
      rooms.forgetPerson(user, alias);
      const erased = await admin.erasePerson(user, alias);
      // A room that opened meanwhile may have read what was there before.
      rooms.forgetPerson(user, alias);
      if (!erased.ok) return err(`Scenes: ${erased.error.sentence}`);
      const { left, ...done } = erased.value;
      return ok({ done, left });
    },
  };
}

const sentence = <T>(result: Result<T, AdminError | string>): Result<T, string> =>
  result.ok ? result : err(typeof result.error === "string" ? result.error : result.error.sentence);

/** JSON for people and programs: bytes as base64, moments also as text. */
export const personJson = (exported: PersonExport): string => `${JSON.stringify(exported, readable, 2)}\n`;

function readable(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64");
  return /(?:Ms)$/.test(key) && typeof value === "number" && value > 0 ? new Date(value).toISOString() : value;
}
