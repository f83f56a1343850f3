/** The row at the bottom: add an object, enter VR, help; on narrow screens also the tabs that open the panels. */
import { h, icon, ICONS } from "./dom.ts";

export type ToolbarEvents = { onAdd(type: string): void; onVr(): void; onHelp(): void };
export type Toolbar = {
  readonly element: HTMLElement;
  setVr(state: "none" | "ready" | "presenting", emulated: boolean): void;
  setMayCreate(may: boolean): void;
};

export function createToolbar(types: readonly string[], events: ToolbarEvents): Toolbar {
  const menu = h(
    "div",
    { class: "menu glass", id: "add-menu", popover: "auto" },
    ...types.map((type) =>
      h(
        "button",
        { type: "button", onclick: () => (events.onAdd(type), menu.hidePopover()) },
        h("span", { class: `chip chip-${type}`, "aria-hidden": "true" }),
        type[0]?.toUpperCase() + type.slice(1),
      ),
    ),
  );
  const add = h("button", { type: "button", class: "tool", popovertarget: "add-menu" }, icon(ICONS.plus), "Add");
  const vr = h(
    "button",
    { type: "button", class: "tool", id: "enter-vr", hidden: true, onclick: () => events.onVr() },
    icon(ICONS.headset),
    h("span", {}, "Enter VR"),
  );
  const help = h(
    "button",
    { type: "button", class: "tool", "aria-label": "Help: keys and controls", onclick: () => events.onHelp() },
    icon(ICONS.help),
  );
  const tab = (name: string, label: string, path: string): HTMLElement =>
    h(
      "button",
      { type: "button", class: `tool tab tab-${name}`, "aria-controls": `panel-${name}`, "aria-label": label, onclick: () => toggleTab(name) },
      icon(path),
    );
  const element = h(
    "nav",
    { class: "toolbar glass", "aria-label": "Tools" },
    tab("people", "People", ICONS.people),
    tab("chat", "Chat", ICONS.chat),
    tab("network", "Network", ICONS.pulse),
    add,
    vr,
    help,
    menu,
  );
  return {
    element,
    setVr(state, emulated) {
      vr.hidden = state === "none";
      vr.title = emulated ? "Uses an emulated headset, because this browser has none" : "";
      (vr.lastElementChild as HTMLElement).textContent = state === "presenting" ? "Leave VR" : emulated ? "Enter VR (emulated)" : "Enter VR";
    },
    setMayCreate(may) {
      add.hidden = !may;
    },
  };
}

/** Opens one panel, or closes it if it is the open one. Wide screens show all of them anyway, except that the network panel may be put away. */
export function toggleTab(name: string): void {
  const { dataset, classList } = document.body;
  if (name === "network") classList.toggle("no-network");
  if (dataset["tab"] === name) delete dataset["tab"];
  else dataset["tab"] = name;
}
