/** Choosing the best of many without sorting all of them. */

/** The `k`-th greatest (from 1) of `values`, which are reordered: Hoare's selection, linear on average. NaN of nothing. */
export function kthGreatest(values: Float64Array, k: number): number {
  const wanted = Math.min(values.length, Math.max(1, k)) - 1;
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const [a = 0, b = 0, c = 0] = [values[low], values[(low + high) >> 1], values[high]];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let [i, j] = [low, high];
    while (i <= j) {
      while ((values[i] ?? 0) > pivot) i++;
      while ((values[j] ?? 0) < pivot) j--;
      if (i > j) break;
      const swapped = values[i] ?? 0;
      values[i++] = values[j] ?? 0;
      values[j--] = swapped;
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else break;
  }
  return values[wanted] ?? NaN;
}

type Scored = { readonly score: number; readonly object: { readonly id: string } };

/** Best first, ties by id. */
export const byScore = (a: Scored, b: Scored): number => b.score - a.score || (a.object.id < b.object.id ? -1 : 1);

/** The first `count` in the order of `byScore`. */
export function bestOf<T extends Scored>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return all.toSorted(byScore);
  const least = kthGreatest(
    Float64Array.from(all, ({ score }) => score),
    count,
  );
  return all
    .filter(({ score }) => score >= least)
    .sort(byScore)
    .slice(0, count);
}
