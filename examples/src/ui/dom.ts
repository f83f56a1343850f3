/** A tiny way to build elements: attributes, listeners and children in one call. Text is always set as text, never as markup. */
type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: any) => void)>>;
type Child = Node | string | undefined;

/** `onclick`-style keys take listeners; `true` sets a bare attribute, `false` and undefined leave it out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== undefined) element.append(child);
  return element;
}

/** A 20 px line icon from path data; hidden from screen readers, so give the button a label. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 20 20", width: "18", height: "18", "aria-hidden": "true", class: "icon" }))
    svg.setAttribute(name, value);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const ICONS = {
  search: "M9 3.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11M13.2 13.2L17 17",
  send: "M3.5 10h12M11 5l5 5l-5 5",
  headset: "M2.5 8a2 2 0 0 1 2-2h11a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2h-2.4l-1.7-2h-2.8l-1.7 2H4.5a2 2 0 0 1-2-2z",
  plus: "M10 4v12M4 10h12",
  help: "M7.6 7.6a2.5 2.5 0 1 1 3.7 2.2c-.9.5-1.3 1-1.3 1.9M10 14.6v.2",
  close: "M5 5l10 10M15 5L5 15",
  people:
    "M7.5 9.5a2.8 2.8 0 1 0 0-5.6a2.8 2.8 0 0 0 0 5.6M2.5 16c.4-2.6 2.4-4.2 5-4.2s4.6 1.6 5 4.2M13 4.3a2.6 2.6 0 0 1 0 5M14.5 12c1.7.5 2.8 1.9 3.1 4",
  chat: "M3 5.5a1.5 1.5 0 0 1 1.5-1.5h11A1.5 1.5 0 0 1 17 5.5v6a1.5 1.5 0 0 1-1.5 1.5H9l-4 3.5V13h-.5A1.5 1.5 0 0 1 3 11.5z",
  pulse: "M2.5 10.5h3.5l2-5.5l3.5 10l2-4.5h4",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10",
} as const;

export const formatMs = (ms: number): string => (Number.isFinite(ms) ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : "–");
export const formatRate = (bytesPerS: number): string =>
  bytesPerS < 1000 ? `${Math.round(bytesPerS)} B/s` : `${(bytesPerS / 1000).toFixed(1)} kB/s`;
