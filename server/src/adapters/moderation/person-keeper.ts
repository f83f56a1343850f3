/**
 * What moderation keeps about a person, in the shape in which an operator's commands ask everything that keeps anything
 * (`npm run scenes -- export-person|erase-person`): over the desk of a running server, or over the file of a stopped one (`openCases`).
 *
 * [PK1] Erasing through a desk lifts what holds against the person, too: nothing is left that could name them. Over a file it ends at once,
 *       and holds nowhere when a server opens the file again.
 */
import { err, ok, type Result } from "@copresence/shared/base";
import type { CaseStore, PersonData } from "./case-types.ts";

type Keeps = Pick<CaseStore, "exportPerson" | "erasePerson">;
export type ModerationKeeper = {
  readonly keeps: "moderation";
  exportPerson(user: string): Promise<Result<PersonData, string>>;
  /** `left`: what a person must see to, in sentences. */
  erasePerson(user: string): Promise<Result<{ readonly done: Readonly<Record<string, number>>; readonly left: readonly string[] }, string>>;
};

export function moderationKeeper(of: Keeps): ModerationKeeper {
  const fault = (error: unknown): Result<never, string> => err(`Moderation: ${error instanceof Error ? error.message : String(error)}`);
  return {
    keeps: "moderation",
    exportPerson: (user) => of.exportPerson(user).then(ok, fault),
    erasePerson: (user) => of.erasePerson(user).then((rows) => ok({ done: { rows }, left: [] }), fault),
  };
}
