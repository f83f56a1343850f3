/**
 * Finds the one bit that was flipped in what SQLite's write-ahead-log checksum covers. The checksum is a running pair of sums modulo 2^32, so one
 * changed bit changes it by a known multiple of a known vector: every bit can be tried without summing again.
 *
 * [WX1] Only what makes the checksum right is found: 64 bits of checksum against 33 000 bits of a frame.
 * [WX2] The vectors are pairs of Fibonacci numbers, which repeat modulo 2^n after 3 * 2^(n-1): in a frame, a word's lowest 23 bits are told from all
 *       others, a higher one perhaps not (`several`).
 *
 * Format: https://www.sqlite.org/fileformat2.html#walformat
 */

/** `mask`: the bit in byte `at`. */
export type Flip = { readonly at: number; readonly mask: number };

/** The bit in which two byte strings of one length differ; undefined when that is none, or more than one. */
export function oneBitApart(found: Uint8Array, meant: Uint8Array): Flip | undefined {
  let flip: Flip | undefined;
  for (let at = 0; at < meant.length; at++) {
    const mask = (found[at] ?? 0) ^ (meant[at] ?? 0);
    if (mask === 0) continue;
    if (flip !== undefined || (mask & (mask - 1)) !== 0) return undefined;
    flip = { at, mask };
  }
  return flip;
}

/**
 * The bit of `data` (pairs of 32-bit words) whose flip turns its checksum `sum` into `meant`, both as the format stores them: two words,
 * big-endian. `bigEndian`: how the checksum reads the words of `data`. Some 66 000 comparisons for a frame.
 */
export function wrongBit(
  data: Buffer,
  { sum, meant, bigEndian }: { readonly sum: Buffer; readonly meant: Buffer; readonly bigEndian: boolean },
): Flip | "several" | undefined {
  const a = (meant.readUInt32BE(0) - sum.readUInt32BE(0)) | 0;
  const b = (meant.readUInt32BE(4) - sum.readUInt32BE(4)) | 0;
  let flip: Flip | "several" | undefined;
  // What one more in the first and in the second word of a pair adds to both sums in the end.
  let [firstA, firstB, secondA, secondB] = [1, 1, 0, 1];
  for (let pair = data.length - 8; pair >= 0; pair -= 8) {
    for (const [at, toA, toB] of [
      [pair, firstA, firstB],
      [pair + 4, secondA, secondB],
    ] as const) {
      const word = bigEndian ? data.readUInt32BE(at) : data.readUInt32LE(at);
      for (let bit = 0; bit < 32; bit++) {
        const change = (word >>> bit) & 1 ? -(1 << bit) | 0 : 1 << bit;
        if (Math.imul(change, toA) !== a || Math.imul(change, toB) !== b) continue;
        if (flip !== undefined) return "several";
        flip = { at: at + (bigEndian ? 3 - (bit >> 3) : bit >> 3), mask: 1 << (bit & 7) };
      }
    }
    // One pair earlier: both sums go through one more round, a += b, b += a.
    [firstA, firstB] = [(firstA + firstB) | 0, (firstA + 2 * firstB) | 0];
    [secondA, secondB] = [(secondA + secondB) | 0, (secondA + 2 * secondB) | 0];
  }
  return flip;
}
