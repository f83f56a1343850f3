/** Text on canvases: wrapping, shortening, and the family everything in the world is set in. */
export const WORLD_FONT = `"Avenir Next", "Segoe UI", system-ui, -apple-system, "Noto Sans", sans-serif`;

/** Breaks `text` into lines no wider than `maxWidth`; a word that is too wide alone gets its own line. */
export function wrapText(context: CanvasRenderingContext2D, text: string, maxWidth: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && context.measureText(longer).width > maxWidth) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  if (line !== "") lines.push(line);
  return lines;
}

/** `text`, or its beginning with an ellipsis if it has more than `max` characters. */
export function shorten(text: string, max: number): string {
  const characters = [...text];
  return characters.length <= max
    ? text
    : `${characters
        .slice(0, max - 1)
        .join("")
        .trimEnd()}…`;
}

export const cssColor = (color: number): string => `#${(color & 0xffffff).toString(16).padStart(6, "0")}`;
