/** The card of the selected object: its label to edit, what its type can do, who holds it. Enter in the world brings one here. */
import type { Space, SpaceObject } from "@copresence/client";
import { SWATCHES } from "../world/palette.ts";
import { deleteObject } from "./deletion.ts";
import { h, icon, ICONS } from "./dom.ts";
import { createHistoryList } from "./history-list.ts";
import { deeds } from "./object-deeds.ts";
import type { Toasts } from "./toasts.ts";

export type Inspector = {
  readonly element: HTMLElement;
  select(id: string | undefined): void;
  readonly selected: string | undefined;
  rename(): void;
};

export function createInspector(space: Space, onClose: () => void, toasts: Pick<Toasts, "offer" | "show">): Inspector {
  const kind = h("span", { class: "kind" });
  const label = h("input", { id: "label-input", "aria-label": "Label", autocomplete: "off", maxlength: 120, placeholder: "Give it a name" });
  const note = h("p", { class: "veil-note" });
  const holder = h("p", { class: "holder" });
  const actions = h("div", { class: "actions" });
  const history = createHistoryList(space, (sentence) => toasts.show(sentence));
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => onClose() }, icon(ICONS.close));
  const remove = h(
    "button",
    { type: "button", class: "icon-button danger", "aria-label": "Delete this object", title: "Delete", onclick: () => deleteSelected() },
    icon(ICONS.trash),
  );
  const form = h("form", { class: "label-form" }, h("label", { for: "label-input", class: "field-label" }, "Label"), label);
  const element = h(
    "section",
    { class: "panel glass inspector", "aria-label": "Selected object", hidden: true },
    h("div", { class: "inspector-head" }, kind, remove, close),
    form,
    note,
    holder,
    actions,
    history.element,
  );
  let id: string | undefined;

  const current = (): SpaceObject | undefined => (id === undefined ? undefined : space.objects.get(id));
  const deleteSelected = (): void => {
    if (id !== undefined) deleteObject(space, id, toasts);
  };
  const save = (): void => {
    const object = current();
    if (object !== undefined && label.value !== object.text("label").toString()) object.text("label").replace(label.value.trim());
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
    label.blur();
  });
  label.addEventListener("change", save);
  label.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    draw(true);
    label.blur();
  });

  const draw = (overwrite = false): void => {
    const object = current();
    element.hidden = object === undefined || !object.exists;
    if (object === undefined || !object.exists) {
      if (id !== undefined) onClose();
      return;
    }
    kind.textContent = object.type;
    const veil = object.veiled("label");
    if (overwrite || document.activeElement !== label) label.value = veil !== undefined && !veil.mine ? "" : String(object.fields["label"] ?? "");
    label.placeholder = veil !== undefined && !veil.mine ? "Hidden by moderation" : "Give it a name";
    note.textContent =
      veil === undefined
        ? ""
        : veil.mine
          ? "Moderation hides this label from others. Change it and it is looked at again."
          : "Moderation has hidden this label.";
    holder.textContent = holderSentence(space, object.holder);
    actions.replaceChildren(
      ...deeds(object).map((deed) =>
        h(
          "button",
          { type: "button", class: "deed", "aria-pressed": deed.on === undefined ? undefined : String(deed.on), onclick: () => deed.act() },
          deed.label,
        ),
      ),
    );
    if ("color" in object.fields) actions.append(swatches(object));
  };
  space.on("object", (changed) => {
    if (changed === id) draw();
  });
  space.on("held", (changed) => {
    if (changed === id) draw();
  });
  return {
    element,
    get selected() {
      return id;
    },
    select(next) {
      if (id !== undefined && document.activeElement === label) save();
      id = next;
      history.show(id);
      draw(true);
    },
    rename() {
      if (element.hidden) return;
      label.focus();
      label.select();
    },
  };
}

function holderSentence(space: Space, slot: number | undefined): string {
  if (slot === undefined) return "";
  return slot === space.me.slot ? "You are holding it." : `Held by ${space.people.get(slot)?.name ?? "somebody"}.`;
}

function swatches(object: SpaceObject): HTMLElement {
  const now = String(object.fields["color"]).toLowerCase();
  return h(
    "div",
    { class: "swatches", role: "group", "aria-label": "Colour" },
    ...SWATCHES.map((color) =>
      h("button", {
        type: "button",
        style: `--color: ${color}`,
        "aria-label": `Colour ${color}`,
        "aria-pressed": String(color === now),
        onclick: () => object.set("color", color),
      }),
    ),
  );
}
