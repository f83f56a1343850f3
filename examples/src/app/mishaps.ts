/** Bugs of this page, told to the person in front of it once, instead of being lost in the console. */
import { h } from "../ui/dom.ts";

export function showMishaps(parent: HTMLElement): void {
  let shown = false;
  const show = (): void => {
    if (shown) return;
    shown = true;
    const banner = h(
      "aside",
      { class: "banner glass", role: "alert" },
      h("p", {}, "Something in this page failed. The space and what you saved are fine; reload the page if it does not recover."),
      h("button", { type: "button", class: "primary small", onclick: () => location.reload() }, "Reload"),
    );
    parent.append(banner);
  };
  globalThis.addEventListener("error", show);
  globalThis.addEventListener("unhandledrejection", show);
}
