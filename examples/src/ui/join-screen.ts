/** The door: a name, a role, a space. Stays in place and says why when the room refuses. */
import { h } from "./dom.ts";
import { randomName } from "./sentences.ts";

export type JoinChoice = { readonly name: string; readonly role: string; readonly space: string };
const ROLES = [
  ["member", "Member", "may move, edit and create"],
  ["guest", "Guest", "may look, talk and pick up"],
  ["moderator", "Moderator", "may also moderate"],
] as const;

export type JoinScreen = { readonly element: HTMLElement; close(): void };

/** `onJoin` resolves when inside; what it throws is shown as its message. */
export function createJoinScreen(defaults: Partial<JoinChoice>, onJoin: (choice: JoinChoice) => Promise<void>): JoinScreen {
  const name = h("input", {
    id: "join-name",
    name: "name",
    required: true,
    maxlength: 32,
    autocomplete: "nickname",
    spellcheck: "false",
    value: defaults.name ?? randomName(),
  });
  const space = h("input", {
    id: "join-space",
    name: "space",
    required: true,
    maxlength: 64,
    pattern: "[A-Za-z0-9_\\-]{1,64}",
    spellcheck: "false",
    autocapitalize: "none",
    value: defaults.space ?? "demo",
  });
  const roles = ROLES.map(([value, label, may]) =>
    h(
      "label",
      { class: "role" },
      h("input", { type: "radio", name: "role", value, checked: value === (defaults.role ?? "member") }),
      h("span", {}, h("strong", {}, label), h("small", {}, may)),
    ),
  );
  const problem = h("p", { class: "problem", role: "alert" });
  const enter = h("button", { type: "submit", class: "primary" }, "Walk in");
  const dice = h(
    "button",
    { type: "button", class: "quiet", title: "Another name", "aria-label": "Suggest another name", onclick: () => (name.value = randomName()) },
    "↻",
  );
  const form = h(
    "form",
    { class: "join-card glass", "aria-labelledby": "join-title" },
    h("p", { class: "wordmark" }, h("span", { class: "mark", "aria-hidden": "true" }), "copresence"),
    h("h1", { id: "join-title" }, "The workshop"),
    h("p", { class: "lead" }, "A shared room with real people, synthetic company and things you can pick up. What you change stays."),
    h("label", { for: "join-name", class: "field-label" }, "Your name"),
    h("div", { class: "field-row" }, name, dice),
    h("fieldset", { class: "roles" }, h("legend", { class: "field-label" }, "Come in as"), ...roles),
    h(
      "details",
      { class: "more" },
      h("summary", {}, "Another space"),
      h("label", { for: "join-space", class: "field-label" }, "Name of the space: letters, digits, - and _"),
      space,
    ),
    problem,
    enter,
  );
  const element = h("main", { class: "join" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const role = new FormData(form).get("role");
    void submit({ name: name.value.trim(), role: typeof role === "string" ? role : "member", space: space.value.trim() });
  });
  const submit = async (choice: JoinChoice): Promise<void> => {
    problem.textContent = "";
    enter.disabled = true;
    enter.textContent = "Walking in …";
    try {
      await onJoin(choice);
    } catch (cause) {
      problem.textContent = cause instanceof Error && cause.message !== "" ? cause.message : "The server could not be reached.";
      enter.disabled = false;
      enter.textContent = "Try again";
      enter.focus();
    }
  };
  queueMicrotask(() => name.select());
  return { element, close: () => element.remove() };
}
