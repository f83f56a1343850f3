/** What the keys and buttons do. Opened with `?`. */
import { h } from "./dom.ts";

const KEYS: readonly (readonly [string, string])[] = [
  ["Drag", "look around"],
  ["W A S D, ↑ ↓", "walk"],
  ["← →", "turn"],
  ["Drag an object, or E", "pick it up, let it go; in full swing, throw it"],
  ["Wheel", "nearer, farther"],
  ["R, + −", "turn, scale what you hold"],
  ["Click", "select"],
  ["Enter", "rename what is selected"],
  ["F", "use it: open, switch, turn"],
  ["T", "aim a teleport, T or click to go"],
  ["/", "search"],
  ["C", "chat"],
  ["N", "network panel"],
];
const VR: readonly (readonly [string, string])[] = [
  ["Left stick", "walk"],
  ["Right stick", "turn; forward to teleport"],
  ["Grip", "pick up; let go in full swing to throw"],
  ["Both grips", "turn and scale with two hands"],
  ["Trigger", "use it"],
];

export function createHelp(): HTMLDialogElement {
  const table = (rows: typeof KEYS): HTMLElement => h("dl", {}, ...rows.flatMap(([key, does]) => [h("dt", {}, key), h("dd", {}, does)]));
  const dialog = h(
    "dialog",
    { class: "help glass", "aria-labelledby": "help-title" },
    h("h2", { id: "help-title" }, "Getting around"),
    h(
      "div",
      { class: "help-columns" },
      h("section", {}, h("h3", {}, "Mouse and keyboard"), table(KEYS)),
      h("section", {}, h("h3", {}, "In VR"), table(VR)),
    ),
    h("form", { method: "dialog" }, h("button", { class: "primary" }, "Got it")),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}
