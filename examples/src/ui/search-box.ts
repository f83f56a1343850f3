/** Search over the live scene. Results are listed with the reason they matched, and pointed out in the world while the box holds a question. */
import type { SearchHit, Space } from "@copresence/client";
import { h, icon, ICONS } from "./dom.ts";

const WAIT_MS = 220;
const MAX_HITS = 6;

export type SearchBox = { readonly element: HTMLElement; focus(): void };
export type SearchEvents = { onHits(hits: readonly SearchHit[]): void; onChoose(hit: SearchHit): void; warn(sentence: string): void };

export function createSearchBox(space: Space, events: SearchEvents): SearchBox {
  const input = h("input", {
    id: "search-input",
    type: "search",
    placeholder: "Find something in the room",
    "aria-label": "Find something in the room",
    autocomplete: "off",
    maxlength: 80,
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "search-results",
  });
  const list = h("ul", { id: "search-results", class: "results", role: "listbox", "aria-label": "Search results" });
  const note = h("p", { class: "search-note", role: "status" });
  const element = h(
    "search",
    { class: "search glass" },
    h("label", { class: "search-line", for: "search-input" }, icon(ICONS.search), input, h("kbd", {}, "/")),
    list,
    note,
  );
  let asked = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hits: readonly SearchHit[] = [];
  let chosen = -1;

  const clear = (): void => {
    asked++;
    hits = [];
    chosen = -1;
    list.replaceChildren();
    note.textContent = "";
    input.setAttribute("aria-expanded", "false");
    events.onHits([]);
  };
  const ask = async (): Promise<void> => {
    const text = input.value.trim();
    if (text === "") return clear();
    const mine = ++asked;
    try {
      const result = await space.search(text, { limit: MAX_HITS });
      if (mine !== asked) return;
      hits = result.hits;
      chosen = hits.length > 0 ? 0 : -1;
      draw();
      note.textContent =
        hits.length === 0 ? "Nothing in the room matches that." : result.degraded ? "The search index is catching up; these are simple matches." : "";
      events.onHits(hits);
    } catch {
      if (mine === asked) note.textContent = "The search did not answer. Try again in a moment.";
    }
  };
  const draw = (): void => {
    input.setAttribute("aria-expanded", String(hits.length > 0));
    list.replaceChildren(
      ...hits.map((hit, i) =>
        h(
          "li",
          {
            role: "option",
            id: `hit-${i}`,
            "aria-selected": String(i === chosen),
            onpointerdown: (event: PointerEvent) => (event.preventDefault(), events.onChoose(hit)),
          },
          h("strong", {}, hit.label === "" ? hit.object : hit.label),
          h("small", {}, hit.why),
        ),
      ),
    );
    if (chosen >= 0) input.setAttribute("aria-activedescendant", `hit-${chosen}`);
    else input.removeAttribute("aria-activedescendant");
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      input.value = "";
      clear();
      input.blur();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (hits.length === 0) return;
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % hits.length;
      draw();
    } else if (event.key === "Enter") {
      const hit = hits[chosen];
      if (hit === undefined) void ask();
      else events.onChoose(hit);
    }
  });
  return {
    element,
    focus() {
      input.focus();
      input.select();
    },
  };
}
