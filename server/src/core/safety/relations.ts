/**
 * What people decided about each other: mute, block, friend; and how much space they want. By user, so that it survives a reconnect.
 *
 * [RE1] Only a person's own decisions change their relations; nobody is told what another decided about them.
 * [RE2] A block works both ways: neither sees or hears the other. A mute works one way: the muted is not heard by who muted them.
 * [RE3] Two people are friends when both say so; until then it is no more than a wish.
 * [RE4] Bounded: RELATIONS_MAX per person, PEOPLE_MAX people; of those not present the one that has been away longest is forgotten.
 */
import { LIMITS } from "@copresence/shared/protocol";

export type Relation = { readonly mute: boolean; readonly block: boolean; readonly friend: boolean };

const NO_RELATION: Relation = { mute: false, block: false, friend: false };
/** People who decided something, present or not: ten times a full room. */
const PEOPLE_MAX = 10 * LIMITS.people;

type Decisions = { readonly others: Map<string, Relation>; boundaryM: number | undefined };

export class Relations {
  /** Somebody has once asked for a distance. */
  anyBoundary = false;
  private readonly people = new Map<string, Decisions>();

  /** False when this person has decided about too many already. */
  decide(user: string, other: string, relation: Relation): boolean {
    const none = !relation.mute && !relation.block && !relation.friend;
    const decisions = this.decisionsOf(user, !none);
    if (decisions === undefined) return true;
    if (none) {
      decisions.others.delete(other);
      return true;
    }
    if (!decisions.others.has(other) && decisions.others.size >= LIMITS.relations) return false;
    decisions.others.set(other, relation);
    return true;
  }

  of(user: string, other: string): Relation {
    return this.people.get(user)?.others.get(other) ?? NO_RELATION;
  }

  /** [RE2] */
  blocked(a: string, b: string): boolean {
    return this.of(a, b).block || this.of(b, a).block;
  }
  hears(listener: string, speaker: string): boolean {
    return !this.of(listener, speaker).mute && !this.blocked(listener, speaker);
  }
  /** [RE3] */
  friends(a: string, b: string): boolean {
    return this.of(a, b).friend && this.of(b, a).friend;
  }

  setBoundary(user: string, boundaryM: number): void {
    const decisions = this.decisionsOf(user, true);
    if (decisions !== undefined) decisions.boundaryM = boundaryM;
    if (boundaryM > 0) this.anyBoundary = true;
  }
  boundaryM(user: string): number | undefined {
    return this.people.get(user)?.boundaryM;
  }

  /** Whether this person has decided anything: most have not, and cost nothing. */
  knows(user: string): boolean {
    return this.people.has(user);
  }

  /** Everything about one person is erased, also what others decided about them. */
  erase(user: string): void {
    this.people.delete(user);
    for (const { others } of this.people.values()) others.delete(user);
  }

  private decisionsOf(user: string, create: boolean): Decisions | undefined {
    const known = this.people.get(user);
    if (known !== undefined || !create) {
      // The newest at the end [RE4].
      if (known !== undefined) {
        this.people.delete(user);
        this.people.set(user, known);
      }
      return known;
    }
    if (this.people.size >= PEOPLE_MAX) {
      const [oldest] = this.people.keys();
      if (oldest !== undefined) this.people.delete(oldest);
    }
    const fresh: Decisions = { others: new Map(), boundaryM: undefined };
    this.people.set(user, fresh);
    return fresh;
  }
}
