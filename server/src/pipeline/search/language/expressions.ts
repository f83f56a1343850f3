/**
 * A pack's expressions as one table, longest first, found by their first word.
 *
 * [EX1] `at` costs the expressions that begin with the word at hand, whatever the pack holds.
 */
import type { LanguagePack, OrderKey, RelationKind } from "./pack.ts";

export type Expression = { readonly words: readonly string[] } & (
  | { readonly role: "relation" | "mine" | "extreme"; readonly kind: RelationKind }
  | { readonly role: "order"; readonly key: OrderKey }
  | { readonly role: "negation" | "count" | "facing" | "standing" | "backTo" | "everywhere" | "thisRoom" }
);

export class Expressions {
  private readonly byFirst = new Map<string, Expression[]>();

  constructor(pack: LanguagePack) {
    for (const role of ["mine", "extreme", "relation"] as const) {
      const lists = { mine: pack.mine, extreme: pack.extremes, relation: pack.relations }[role];
      for (const [kind, texts] of lists) for (const text of texts) this.add({ role, kind, words: text.split(" ") });
    }
    for (const [key, texts] of pack.orders) for (const text of texts) this.add({ role: "order", key, words: text.split(" ") });
    const plain = {
      negation: pack.negations,
      count: pack.counts,
      facing: pack.facing,
      standing: pack.standing,
      backTo: pack.backTo,
      everywhere: pack.everywhere,
      thisRoom: pack.thisRoom,
    } as const;
    for (const [role, texts] of Object.entries(plain)) {
      for (const text of texts) this.add({ role: role as keyof typeof plain, words: text.split(" ") });
    }
    for (const list of this.byFirst.values()) list.sort((a, b) => b.words.length - a.words.length);
  }

  /** The longest expression that starts at `at`, of the roles given. */
  at(words: readonly string[], at: number, accept: (expression: Expression) => boolean = () => true): Expression | undefined {
    return this.byFirst.get(words[at] ?? "")?.find((expression) => accept(expression) && expression.words.every((word, i) => words[at + i] === word));
  }

  private add(expression: Expression): void {
    const first = expression.words[0] ?? "";
    const list = this.byFirst.get(first);
    if (list === undefined) this.byFirst.set(first, [expression]);
    else list.push(expression);
  }
}
