/** Seeded dice for everything in the client that needs them: backoff jitter, document ids, the link conditioner. */

/** Uniform in [0, 1). */
export type Random = () => number;

/** mulberry32: small, fast, good enough for jitter; the same sequence for the same seed in every engine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A 32-bit integer for ids; 0 is left out because Yjs treats it as any other but people read it as "none". */
export const randomUint32 = (random: Random): number => Math.floor(random() * 4_294_967_295) + 1;

/** Small letters and digits, for ids. */
export function randomLetters(random: Random, count: number): string {
  let letters = "";
  while (letters.length < count) letters += randomUint32(random).toString(36);
  return letters.slice(0, count);
}
