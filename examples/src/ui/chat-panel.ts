/** Chat: a log that stays at its end unless one scrolls up, and a line to write. A hidden line says so and only its author sees its words. */
import type { ChatLine, Space } from "@copresence/client";
import { LIMITS } from "@copresence/shared/protocol";
import { cssColor } from "../world/text.ts";
import { h, icon, ICONS } from "./dom.ts";

const MAX_LINES = 200;

export type ChatPanel = { readonly element: HTMLElement; focus(): void };

export function createChatPanel(space: Space, warn: (sentence: string) => void): ChatPanel {
  const log = h("ol", { class: "chat-log", role: "log", "aria-label": "Chat", tabindex: 0 });
  const empty = h("p", { class: "empty" }, "Nobody has said anything yet.");
  const input = h("input", {
    id: "chat-input",
    placeholder: "Say something",
    "aria-label": "Say something to everybody",
    autocomplete: "off",
    maxlength: 500,
  });
  const form = h(
    "form",
    { class: "chat-form" },
    input,
    h("button", { type: "submit", class: "icon-button", "aria-label": "Send" }, icon(ICONS.send)),
  );
  const element = h(
    "section",
    { class: "panel glass chat-panel", id: "panel-chat", "aria-labelledby": "chat-title" },
    h("h2", { id: "chat-title" }, "Chat"),
    empty,
    log,
    form,
  );

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    if (new TextEncoder().encode(text).length > LIMITS.chatBytes) warn("That line is too long to send.");
    else if (space.chat(text)) input.value = "";
    else warn("You are offline, so nobody would hear that. It is still in the box.");
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") input.blur();
  });
  space.on("chat", (line) => {
    empty.remove();
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
    log.append(item(line, colorOf(space, line)));
    while (log.children.length > MAX_LINES) log.firstElementChild?.remove();
    if (atEnd || line.mine) log.scrollTop = log.scrollHeight;
  });
  return { element, focus: () => input.focus() };
}

const colorOf = (space: Space, line: ChatLine): number => (line.mine ? space.me.color : (space.people.get(line.slot)?.color ?? 0x9aa4bd));

function item(line: ChatLine, color: number): HTMLElement {
  return h(
    "li",
    { class: line.hidden ? "veiled" : line.mine ? "mine" : "" },
    h("span", { class: "from", style: `--color: ${cssColor(color)}` }, line.mine ? "You" : line.name === "" ? "Someone" : line.name),
    h("span", { class: "text" }, line.text),
    line.hidden ? h("small", {}, "Hidden by moderation: only you can see this.") : undefined,
  );
}
