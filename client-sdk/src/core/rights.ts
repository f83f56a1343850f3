/**
 * What I may do to objects, as far as this client can know: my role, the rules the room has told, and whether we speak of the same scene.
 *
 * [RI1] Only what is sure to be refused is refused here; without the definition, or in a role it does not declare, the room decides.
 * [RI2] With another definition than the room's nothing is written: what this client means may be something else there.
 */
import type { MessageOf } from "@copresence/shared/protocol";
import { type PermissionRule, PermissionTable, type PermissionSubject, type Right, type Scene } from "@copresence/shared/scene";
import type { DeniedNotice } from "./space-types.ts";

type Refusal = Pick<DeniedNotice, "reason" | "sentence">;
const MISMATCH: Refusal = {
  reason: "schema-mismatch",
  sentence: "This client has another version of the scene's definition than the room: objects can be looked at, not edited. Update the client.",
};

export class Rights {
  definitionMatches = true;
  private readonly scene: Scene | undefined;
  private table: PermissionTable | undefined;

  constructor(scene: Scene | undefined) {
    this.scene = scene;
    this.reset();
  }

  /** A new link: the room tells its rules anew. */
  reset(): void {
    this.table = this.scene && new PermissionTable(this.scene);
  }

  learn({ all, rules }: MessageOf<"permissions">): void {
    if (all) this.reset();
    for (const { scope, allow } of rules) this.table?.set(scope, allow ?? undefined);
  }

  /** Why I may not, or undefined. Grabbing is no edit: it needs no common definition. */
  refusal(person: { readonly user: string; readonly role: string }, right: Right, subject: PermissionSubject): Refusal | undefined {
    if (!this.definitionMatches && right !== "grab") return MISMATCH;
    const { scene, table } = this;
    if (scene === undefined || table === undefined || !Object.hasOwn(scene.roles, person.role) || table.may(person, right, subject)) return undefined;
    return { reason: "not-allowed", sentence: `You may not ${right} this ${subject.type ?? "object"} in this space.` };
  }

  /** The definition's rules and those the room has told me of. */
  rules(): readonly PermissionRule[] {
    return this.table?.rules() ?? [];
  }

  get mismatch(): Refusal | undefined {
    return this.definitionMatches ? undefined : MISMATCH;
  }
}
