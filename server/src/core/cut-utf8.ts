/** Cuts text to a byte budget without splitting a character. */

const bytesOf = (codePoint: number): number => (codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4);

/** The longest prefix of `text` whose UTF-8 form has at most `maxBytes` bytes; NULs, which no text of the wire may hold, are left out. */
export function cutUtf8(text: string, maxBytes: number): string {
  // Most texts fit whatever they hold: three bytes is the most one UTF-16 unit costs.
  if (text.length * 3 <= maxBytes && !text.includes("\0")) return text;
  let bytes = 0;
  let kept = "";
  for (const character of text) {
    if (character === "\0") continue;
    bytes += bytesOf(character.codePointAt(0) ?? 0);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}
