/** Keys that work anywhere outside of form fields. Movement and grabbing are in input/desktop.ts. */
import { isTyping } from "../input/geometry.ts";

export type Shortcuts = Readonly<Partial<Record<"search" | "chat" | "network" | "help" | "rename" | "use" | "deselect" | "remove", () => void>>>;

const KEYS: Readonly<Record<string, keyof Shortcuts>> = {
  "/": "search",
  c: "chat",
  n: "network",
  "?": "help",
  enter: "rename",
  f: "use",
  escape: "deselect",
  delete: "remove",
};

export function listenForShortcuts(shortcuts: Shortcuts): void {
  globalThis.addEventListener("keydown", (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    // Enter on a focused button presses the button.
    if (event.key === "Enter" && event.target instanceof HTMLButtonElement) return;
    const shortcut = shortcuts[KEYS[event.key.toLowerCase()] ?? "search"];
    if (KEYS[event.key.toLowerCase()] === undefined || shortcut === undefined) return;
    event.preventDefault();
    shortcut();
  });
}
