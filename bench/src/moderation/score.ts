/** Measures of a ranking and of a decision. */

/** Area under the ROC curve: the chance that a positive scores above a negative, ties counting half. NaN without both kinds. */
export function auc(scores: readonly number[], positive: readonly boolean[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  let rankSum = 0;
  let positives = 0;
  for (let at = 0; at < order.length;) {
    let end = at;
    while (end < order.length && scores[order[end] ?? 0] === scores[order[at] ?? 0]) end++;
    // Equal scores share the mean of their ranks.
    const rank = (at + end + 1) / 2;
    for (; at < end; at++) {
      if (positive[order[at] ?? 0] !== true) continue;
      rankSum += rank;
      positives++;
    }
  }
  const negatives = scores.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** F1 of a yes-or-no decision. */
export function f1(flagged: readonly boolean[], positive: readonly boolean[]): number {
  let hits = 0;
  let wrong = 0;
  flagged.forEach((flag, i) => {
    if (flag && positive[i] === true) hits++;
    else if (flag !== (positive[i] === true)) wrong++;
  });
  return (2 * hits) / (2 * hits + wrong);
}

export const share = (flags: readonly boolean[]): number => flags.filter(Boolean).length / flags.length;
