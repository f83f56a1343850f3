/**
 * The colours of the evening: one table, so that sky, fog, baked light and materials belong together. sRGB hex.
 */
export const PALETTE = {
  zenith: 0x0b1230,
  upperSky: 0x1d2f63,
  lowerSky: 0x5a5f96,
  horizon: 0xe8a07c,
  haze: 0x8d6f86,
  ground: 0x0e1424,
  deck: 0x262a38,
  deckLine: 0x7d97b8,
  inlay: 0xffb87a,
  wood: 0x8f7257,
  woodDark: 0x54423a,
  steel: 0x5b6678,
  steelDark: 0x2c3444,
  stone: 0x8a8fa3,
  leaf: 0x3f6b58,
  leafLight: 0x6a9a6c,
  warmLight: 0xffc58a,
  coolLight: 0x9fb8ff,
} as const;

/** What the inspector offers for `color` fields. */
export const SWATCHES = ["#ffb35c", "#e0784c", "#d65a6f", "#b56fd0", "#4f6bd8", "#4fa3d8", "#5ce0c6", "#7fc46a", "#b8c4d6"] as const;
