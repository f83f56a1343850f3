/** Short notices at the bottom: polite to screen readers, gone after a while, never more than three. */
import { h } from "./dom.ts";

export type Toasts = {
  readonly element: HTMLElement;
  show(sentence: string, tone?: "info" | "warning"): void;
  /** Something that was done, and a way back for as long as it is shown. */
  offer(sentence: string, label: string, act: () => void): void;
  /** Something to act on: stays until it is dismissed. */
  notice(content: HTMLElement): void;
};
const MAX_SHOWN = 3;
const SHOWN_MS = 6000;
/** Time to notice what one has done. */
const OFFERED_MS = 12_000;

export function createToasts(): Toasts {
  const element = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
  const add = (toast: HTMLElement, shownMs: number): void => {
    element.append(toast);
    while (element.querySelectorAll("p").length > MAX_SHOWN) element.querySelector("p")?.remove();
    setTimeout(() => toast.remove(), shownMs);
  };
  return {
    element,
    show(sentence, tone = "info") {
      if (element.lastElementChild?.textContent !== sentence) add(h("p", { class: `toast ${tone}` }, sentence), SHOWN_MS);
    },
    offer(sentence, label, act) {
      const button = h("button", { type: "button", class: "deed" }, label);
      const toast = h("p", { class: "toast info" }, `${sentence} `, button);
      button.addEventListener("click", () => {
        toast.remove();
        act();
      });
      add(toast, OFFERED_MS);
    },
    notice(content) {
      element.querySelector(".notice")?.remove();
      const close = h("button", { type: "button", title: "Dismiss" }, "✕");
      const box = h("div", { class: "toast warning notice" }, content, close);
      close.addEventListener("click", () => box.remove());
      element.append(box);
    },
  };
}
