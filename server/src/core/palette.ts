/**
 * Colours of people: told apart by eye, steady for one person across visits, spread evenly over who is there.
 */

/** sRGB, light enough for dark rooms and dark enough for white text; neighbours in the list differ in hue. */
export const PALETTE = [
  0x4f8df7, 0xf2854a, 0x3fb68b, 0xd86bd0, 0xe0b23a, 0x6f6af0, 0xe5596f, 0x2fb3c9, 0x9ac247, 0xb48ae8, 0xc98b5e, 0x5fa0a8,
] as const;

/** FNV-1a over UTF-16 units: steady, seedless, and not for anything that must resist an attacker. */
export function hash32(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** The person's own colour if nobody wears it, else the least worn one found going round from there. `worn` counts per palette index. */
export function chooseColor(user: string, seed: number, worn: ArrayLike<number>): number {
  const start = hash32(user, seed) % PALETTE.length;
  let best = start;
  for (let i = 1; i < PALETTE.length; i++) {
    const at = (start + i) % PALETTE.length;
    if ((worn[at] ?? 0) < (worn[best] ?? 0)) best = at;
  }
  return best;
}
