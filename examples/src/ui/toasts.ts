/** Short notices at the bottom: polite to screen readers, gone after a while, never more than three. */
import { h } from "./dom.ts";

export type Toasts = {
  readonly element: HTMLElement;
  show(sentence: string, tone?: "info" | "warning"): void;
  /** Something to act on: stays until it is dismissed. */
  notice(content: HTMLElement): void;
};
const MAX_SHOWN = 3;
const SHOWN_MS = 6000;

export function createToasts(): Toasts {
  const element = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
  return {
    element,
    show(sentence, tone = "info") {
      if (element.lastElementChild?.textContent === sentence) return;
      const toast = h("p", { class: `toast ${tone}` }, sentence);
      element.append(toast);
      while (element.querySelectorAll("p").length > MAX_SHOWN) element.querySelector("p")?.remove();
      setTimeout(() => toast.remove(), SHOWN_MS);
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
