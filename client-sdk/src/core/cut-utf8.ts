/** Texts within the registry's bounds, which are in bytes. */
import { encodeUtf8 } from "lib0/string";

/** The longest prefix of whole characters that fits. */
export function cutUtf8(text: string, maxBytes: number): string {
  if (encodeUtf8(text).length <= maxBytes) return text;
  let bytes = 0;
  let cut = "";
  for (const character of text) {
    bytes += encodeUtf8(character).length;
    if (bytes > maxBytes) break;
    cut += character;
  }
  return cut;
}
