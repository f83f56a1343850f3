/**
 * The moderators' page: sign in, queue, one case with its evidence, decision, roll-back, audit log. Everything on it comes from the server's
 * `/moderation/` and is put in as text, never as markup: evidence is written by people who misbehave.
 */
import { h } from "./ui/dom.ts";

type Case = {
  readonly id: number;
  readonly openedMs: number;
  readonly source: string;
  readonly severity: number;
  readonly user: string;
  readonly object: string;
  readonly reporter: string;
  readonly reason: string;
  readonly evidence: string;
  readonly state: string;
};
type Measure = {
  readonly id: number;
  readonly kind: string;
  readonly user: string;
  readonly untilMs: number;
  readonly endedMs: number;
  readonly by: string;
};
type Audit = { readonly atMs: number; readonly who: string; readonly what: string; readonly detail: string };
type View = { readonly case: Case; readonly measures: readonly Measure[]; readonly audit: readonly Audit[] };
type Evidence = {
  readonly text?: string;
  readonly lines?: readonly { readonly user: string; readonly text: string; readonly hidden: boolean }[];
  readonly distanceM?: number;
  readonly witnesses?: readonly string[];
  readonly score?: number;
  readonly numbers?: Readonly<Record<string, number>>;
  readonly model?: string;
};

const DECISIONS = ["dismiss", "warn", "bubble", "mute", "freeze", "quarantine", "remove"] as const;
const REFRESH_MS = 3000;
const app = document.querySelector("#app") as HTMLElement;
let token = "";
let chosen = 0;
let filter = "open";

async function call<T>(what: string, body: unknown, bearer = token): Promise<T> {
  const answer = await fetch(`moderation/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as T & { readonly error?: string };
  if (!answer.ok) throw new Error(json.error ?? `The server answered ${answer.status}.`);
  return json;
}

function signIn(sentence = ""): void {
  const ticket = h("input", { id: "ticket", type: "password", autocomplete: "off", placeholder: "ticket of a moderator" });
  const space = h("input", { id: "space", value: "demo" });
  const says = h("p", { role: "alert" }, sentence);
  const form = h(
    "form",
    { id: "sign-in" },
    h("h1", {}, "Moderation"),
    h("div", { class: "row" }, h("label", {}, "Join ticket ", ticket), h("button", { type: "submit" }, "Sign in")),
    h("p", {}, "On a development server leave the ticket empty and name the space: ", h("label", {}, "space ", space)),
    says,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void enter(ticket.value, space.value).catch((error: Error) => (says.textContent = error.message));
  });
  app.replaceChildren(form);
}

async function enter(ticket: string, space: string): Promise<void> {
  let bearer = ticket.trim();
  if (bearer === "") {
    const answer = await fetch("dev/ticket", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ space, name: "Moderator", role: "moderator", user: "moderator" }),
    });
    const json = (await answer.json()) as { readonly ticket?: string; readonly error?: string };
    if (json.ticket === undefined) throw new Error(json.error ?? "No ticket was issued.");
    bearer = json.ticket;
  }
  token = (await call<{ token: string }>("session", {}, bearer)).token;
  frame();
  await refresh();
  setInterval(() => void refresh().catch((error: Error) => signIn(error.message)), REFRESH_MS);
}

const list = h("ul", { id: "queue", "aria-label": "Cases" });
const detail = h("section", { id: "case", "aria-label": "Case" }, h("p", {}, "Choose a case."));

function frame(): void {
  const select = h("select", { id: "filter" }, ...["open", "appealed", "closed", "all"].map((state) => h("option", { value: state }, state)));
  select.addEventListener("change", () => {
    filter = select.value;
    void refresh();
  });
  app.replaceChildren(
    h("h1", {}, "Moderation"),
    h("div", { class: "columns" }, h("section", { "aria-label": "Queue" }, h("label", {}, "Show ", select), list), detail),
  );
}

async function refresh(): Promise<void> {
  const { cases } = await call<{ cases: readonly Case[] }>("queue", { state: filter });
  const rows = cases.map((entry) => {
    const about = entry.user || entry.object;
    const button = h("button", { class: `case severity-${entry.severity}`, type: "button", "data-case": String(entry.id) });
    button.append(
      h("strong", {}, entry.reason),
      ` ${about} `,
      h("small", {}, `#${entry.id}, ${entry.source}, ${entry.state}, ${when(entry.openedMs)}`),
    );
    button.setAttribute("aria-current", String(entry.id === chosen));
    button.addEventListener("click", () => void show(entry.id));
    return h("li", {}, button);
  });
  // A list that did not change keeps the keyboard's place.
  const fresh = rows.map((row) => row.textContent).join();
  if (fresh === list.dataset["shown"]) return;
  list.dataset["shown"] = fresh;
  list.replaceChildren(...(rows.length > 0 ? rows : [h("li", {}, "Nothing to do.")]));
}

async function show(id: number): Promise<void> {
  chosen = id;
  const view = await call<View>("case", { id });
  const { user, object, reporter, reason, state, evidence } = view.case;
  detail.replaceChildren(
    h("h2", {}, `#${id}: ${reason}`),
    facts({ state, about: user, object, "reported by": reporter }),
    h("h3", {}, "Evidence"),
    ...evidenceOf(JSON.parse(evidence) as Evidence),
    decisionForm(id),
    h("h3", {}, "Measures"),
    h("ul", { id: "measures" }, ...view.measures.map((measure) => measureRow(id, measure))),
    h("h3", {}, "Audit log"),
    h(
      "ol",
      { id: "audit" },
      ...view.audit.map(({ atMs, who, what, detail: more }) => h("li", {}, `${when(atMs)} ${who}: ${what} `, h("small", {}, more))),
    ),
  );
  for (const button of list.querySelectorAll("[data-case]"))
    button.setAttribute("aria-current", String(button.getAttribute("data-case") === String(id)));
}

function evidenceOf({ text, lines = [], distanceM, witnesses = [], score, numbers = {}, model }: Evidence): HTMLElement[] {
  const rounded = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
  return [
    ...(text ? [h("blockquote", {}, text)] : []),
    ...lines.map((line) => h("blockquote", {}, `${line.user}: ${line.text}${line.hidden ? " (hidden)" : ""}`)),
    facts({
      distance: distanceM === undefined ? "" : `${distanceM} m`,
      "near by": witnesses.join(", "),
      score: score === undefined ? "" : String(score),
      model: model ?? "",
      ...rounded,
    }),
  ];
}

function decisionForm(id: number): HTMLElement {
  const kind = h("select", { id: "decision" }, ...DECISIONS.map((name) => h("option", { value: name }, name)));
  const minutes = h("input", { id: "minutes", type: "number", min: "1", max: "525600", value: "60" });
  const words = h("input", { id: "words", maxlength: "200", placeholder: "why" });
  const says = h("p", { role: "alert" });
  const form = h(
    "form",
    { id: "decide" },
    h("div", { class: "row" }, h("label", {}, "Decision ", kind), h("label", {}, "for minutes ", minutes), h("label", {}, "words ", words)),
    h("button", { type: "submit" }, "Decide"),
    says,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void act("decide", { id, kind: kind.value, minutes: Number(minutes.value), words: words.value }, id, says);
  });
  return form;
}

function measureRow(id: number, { id: measure, kind, user, untilMs, endedMs, by }: Measure): HTMLElement {
  const row = h("li", {}, `${kind} ${user} by ${by}, ${endedMs > 0 ? `ended ${when(endedMs)}` : `until ${when(untilMs)}`} `);
  if (endedMs > 0) return row;
  const undo = h("button", { type: "button", class: "rollback" }, "Take back");
  undo.addEventListener("click", () => void act("rollback", { measure }, id, row));
  row.append(undo);
  return row;
}

async function act(what: string, body: unknown, id: number, says: HTMLElement): Promise<void> {
  try {
    await call(what, body);
    await show(id);
    await refresh();
  } catch (error) {
    says.append(` ${(error as Error).message}`);
  }
}

function facts(pairs: Readonly<Record<string, string>>): HTMLElement {
  const known = Object.entries(pairs).filter(([, value]) => value !== "");
  return h("dl", {}, ...known.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

const when = (ms: number): string => new Date(ms).toLocaleString();

signIn();
