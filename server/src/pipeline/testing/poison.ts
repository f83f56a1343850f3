/** Consumers that break on command, in a worker like any other: what the contract suite uses to prove that one event costs nobody else. */
import { Consumers, type TextJudge } from "../consumers.ts";
import { loadConsumers } from "../load-consumers.ts";
import { judgeWith, TextModerator } from "../text/index.ts";
import type { Load } from "../worker-body.ts";
import type { BatchItem } from "../worker-messages.ts";

/** The label of an object that brings down whoever indexes it, and a text that its judge cannot bear. */
export const DEADLY = "poison: crash";
export const INDIGESTIBLE = "poison: throw";

class Poisonable extends Consumers {
  override async handleBatch(items: readonly BatchItem[]) {
    for (const { event } of items) if (event.kind === "object" && event.label === DEADLY) process.exit(9);
    return super.handleBatch(items);
  }
}

const byLexicon = judgeWith(new TextModerator());
const judge: TextJudge = async (items) => {
  if (items.some(({ text }) => text === INDIGESTIBLE)) throw new RangeError(`cannot judge ${INDIGESTIBLE}`);
  return byLexicon(items);
};

export const loadPoisonable: Load = async () => {
  const { runtime } = await loadConsumers();
  return { runtime, consumers: new Poisonable({ degraded: false, judge }) };
};
