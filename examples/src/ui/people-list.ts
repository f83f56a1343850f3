/** Who is here: oneself first, then the others by name, each with colour, role and whether they are awake. Choosing one turns towards them. */
import type { RemotePerson, ReportReason, Space } from "@copresence/client";
import { cssColor } from "../world/text.ts";
import { h } from "./dom.ts";

export function createPeopleList(space: Space, onFind: (person: RemotePerson) => void): HTMLElement {
  const count = h("span", { class: "count" });
  const list = h("ul", { class: "people", "aria-label": "People in the space" });
  const element = h(
    "section",
    { class: "panel glass people-panel", id: "panel-people", "aria-labelledby": "people-title" },
    h("h2", { id: "people-title" }, "People ", count),
    list,
  );

  const draw = (): void => {
    // Nobody's report is drawn away from under their hands.
    if (list.querySelector(".report :focus") !== null) return;
    const others = [...space.people].sort((a, b) => a.name.localeCompare(b.name) || a.slot - b.slot);
    count.textContent = String(others.length + 1);
    list.replaceChildren(
      row(space.me.color, space.me.name, "you", space.status === "asleep"),
      ...others.map((person) => other(space, person, onFind, draw)),
    );
  };
  // A joining crowd is one redraw, not one each.
  let queued = false;
  const later = (): void => {
    if (queued) return;
    queued = true;
    setTimeout(() => {
      queued = false;
      draw();
    }, 50);
  };
  for (const event of ["joined", "left", "person", "status"] as const) space.on(event, later);
  draw();
  return element;
}

function other(space: Space, person: RemotePerson, onFind: (person: RemotePerson) => void, redraw: () => void): HTMLElement {
  const item = row(person.color, person.name, person.role, person.status === "asleep");
  const button = h("button", { type: "button", title: `Look at ${person.name}`, onclick: () => onFind(person) });
  button.append(...item.childNodes);
  item.append(button, deeds(space, person, redraw));
  return item;
}

/** What I can do about a person, without anybody's help and at once. */
function deeds({ safety }: Space, person: RemotePerson, redraw: () => void): HTMLElement {
  const { user, name } = person;
  const toggle = (label: string, on: boolean, act: (on: boolean) => void): HTMLElement =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(on),
        title: `${label} ${name}`,
        onclick: () => {
          act(!on);
          redraw();
        },
      },
      label,
    );
  return h(
    "details",
    { class: "deeds" },
    h("summary", { title: `What to do about ${name}` }, "…"),
    toggle("Friend", safety.friends.has(user), (on) => safety.befriend(user, on)),
    toggle("Mute", safety.muted.has(user), (on) => safety.mute(user, on)),
    toggle("Block", safety.blocked.has(user), (on) => safety.block(user, on)),
    reportForm(safety, person),
  );
}

const REASONS: readonly (readonly [ReportReason, string])[] = [
  ["harassment", "Harassment"],
  ["personal-space", "Comes too close"],
  ["hate", "Hate"],
  ["threat", "Threat"],
  ["sexual", "Sexual"],
  ["minor-safety", "A child is in danger"],
  ["spam", "Spam"],
  ["vandalism", "Destroys things"],
  ["other", "Something else"],
];

function reportForm(safety: Space["safety"], { user, name }: RemotePerson): HTMLElement {
  const reason = h("select", { "aria-label": `Why you report ${name}` }, ...REASONS.map(([value, says]) => h("option", { value }, says)));
  const words = h("input", { maxlength: "200", placeholder: "What happened?", "aria-label": "What happened" });
  const send = h("button", { type: "submit", title: `Report ${name} to moderators` }, "Report");
  const form = h("form", { class: "report" }, reason, words, send);
  // The keys of a name that is typed are no shortcuts.
  form.addEventListener("keydown", (event) => event.stopPropagation());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send.disabled = true;
    void safety
      .report({ user, reason: reason.value as ReportReason, text: words.value })
      .then((taken) => form.replaceChildren(taken === undefined ? "The report was not taken." : `Moderators have your report (#${taken}).`));
  });
  return form;
}

function row(color: number, name: string, role: string, asleep: boolean): HTMLElement {
  const dot = h("span", { class: "dot", "aria-hidden": "true", style: `--color: ${cssColor(color)}` });
  return h("li", { class: asleep ? "asleep" : "" }, dot, h("span", { class: "who" }, name), h("small", {}, asleep ? "asleep" : role));
}
