/** What moderation did about me, in its own words, and a way to object. */
import type { MeasureNotice, Space } from "@copresence/client";
import { h } from "./dom.ts";

export function measureNotice({ safety }: Pick<Space, "safety">, { measure, on, sentence }: MeasureNotice): HTMLElement {
  const says = h("span", {}, sentence);
  // A warning takes nothing that could be given back.
  if (!on || measure === 0) return says;
  const words = h("input", { maxlength: "200", placeholder: "Why this is wrong", "aria-label": "Why this is wrong" });
  const form = h("form", { class: "appeal" }, words, h("button", { type: "submit" }, "Appeal"));
  form.addEventListener("keydown", (event) => event.stopPropagation());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void safety
      .appeal(words.value, measure)
      .then((taken) => form.replaceChildren(taken ? "Moderators will look at it again." : "The appeal was not taken; try again later."));
  });
  return h("div", {}, says, form);
}
