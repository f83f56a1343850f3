/** Colour names of things: what people call `#b22222`. */

import { ENGLISH } from "./language/english.ts";

/** Basic name of a colour word, undefined for other words. */
export const colourWord = (word: string): string | undefined => (Object.hasOwn(ENGLISH.colours, word) ? ENGLISH.colours[word] : undefined);

/** Hue boundaries in degrees, to the name below each; neighbours within 8 degrees of a boundary count as both. */
const HUES: readonly (readonly [number, string])[] = [
  [14, "red"],
  [42, "orange"],
  [68, "yellow"],
  [165, "green"],
  [198, "cyan"],
  [258, "blue"],
  [305, "purple"],
  [342, "pink"],
  [361, "red"],
];
const BLUR_DEG = 8;

/**
 * Basic names for a colour value: `#rgb`, `#rrggbb`, `0xrrggbb` or a colour word; empty for anything else.
 * More than one near a boundary, because people disagree there.
 */
export function colourNames(value: string): string[] {
  const hex = /^(?:#|0x)([0-9a-f]{6}|[0-9a-f]{3})$/i.exec(value.trim())?.[1];
  if (hex === undefined) {
    const named = colourWord(value.trim().toLowerCase());
    return named === undefined ? [] : [named];
  }
  const wide = hex.length === 3 ? hex.replaceAll(/./g, "$&$&") : hex;
  const [r, g, b] = [0, 2, 4].map((at) => Number.parseInt(wide.slice(at, at + 2), 16) / 255) as [number, number, number];
  const max = Math.max(r, g, b);
  const min = Math.min(r, g, b);
  const chroma = max - min;
  if (max < 0.16) return ["black"];
  if (chroma < 0.12 || chroma / max < 0.14)
    return max > 0.88 ? ["white"] : max < 0.28 ? ["grey", "black"] : max > 0.78 ? ["grey", "white"] : ["grey"];
  const sector = max === r ? ((g - b) / chroma + 6) % 6 : max === g ? (b - r) / chroma + 2 : (r - g) / chroma + 4;
  const names = new Set<string>();
  for (const hue of [sector * 60, sector * 60 - BLUR_DEG, sector * 60 + BLUR_DEG]) {
    const turned = (hue + 360) % 360;
    names.add(HUES.find(([below]) => turned < below)?.[1] ?? "red");
  }
  // Dark orange and dark yellow are what people call brown; pale red is pink.
  if (max < 0.72 && (names.has("orange") || names.has("yellow"))) names.add("brown");
  if (max > 0.85 && chroma / max < 0.45 && names.has("red")) names.add("pink");
  return [...names];
}
