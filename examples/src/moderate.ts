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
  readonly hidden?: number;
};

/** What a moderator can do, in the order of how much it takes; `fits` says about which cases. */
const DECISIONS: readonly { readonly kind: string; readonly says: string; readonly lasts: boolean; fits(of: Case): boolean }[] = [
  { kind: "dismiss", says: "Dismiss: nothing happened", lasts: false, fits: () => true },
  { kind: "uphold", says: "Refuse the appeal: what holds stays", lasts: false, fits: ({ state }) => state === "appealed" },
  { kind: "warn", says: "Warn", lasts: false, fits: ({ user }) => user !== "" },
  { kind: "bubble", says: "Keep the two apart", lasts: true, fits: ({ user, reporter }) => user !== "" && reporter !== "" },
  { kind: "mute", says: "Mute: no chat", lasts: true, fits: ({ user }) => user !== "" },
  { kind: "freeze", says: "Freeze: no edits, no grabs", lasts: true, fits: ({ user }) => user !== "" },
  { kind: "quarantine", says: "Quarantine: nobody touches the object", lasts: true, fits: ({ object }) => object !== "" },
  { kind: "remove", says: "Remove from this space", lasts: true, fits: ({ user }) => user !== "" },
];
/** For how long, in minutes. */
const SPANS = [
  [10, "10 minutes"],
  [60, "an hour"],
  [1440, "a day"],
  [10_080, "a week"],
  [43_200, "30 days"],
] as const;
/** What the numbers behind an alarm are called. */
const NUMBERS: Readonly<Record<string, string>> = {
  meanNearestM: "distance, m",
  meanApproachMps: "goes towards the other, m/s",
  meanRetreatMps: "the other goes away, m/s",
  meanFacing: "faces the other (1: always)",
  meanFacedBack: "is faced by the other",
  closeS: "closer than 1.2 m, of the last seconds",
  meanHandM: "hand or head to the other's head, m",
  meanHandPathM: "way of the hand, m/s",
  changed: "objects changed in five seconds",
  removed: "objects removed in five seconds",
  lines: "lines in five seconds",
  hidden: "texts hidden lately",
};
const REFRESH_MS = 3000;
const app = document.querySelector("#app") as HTMLElement;
let token = "";
let chosen = 0;
let filter = "open";
let refreshing: ReturnType<typeof setInterval> | undefined;
/** State of the chosen case when it was drawn: an appeal that comes in draws it anew. */
let drawn = "";

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
  clearInterval(refreshing);
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
  refreshing = setInterval(() => void refresh().catch((error: Error) => signIn(error.message)), REFRESH_MS);
}

const list = h("ul", { id: "queue", "aria-label": "Cases" });
const detail = h("section", { id: "case", "aria-label": "Case" }, h("p", { class: "dim" }, "Choose a case on the left."));

function frame(): void {
  const states = { open: "Open", appealed: "Appealed", closed: "Closed", all: "All" };
  const select = h("select", { id: "filter" }, ...Object.entries(states).map(([state, says]) => h("option", { value: state }, says)));
  select.value = filter;
  list.dataset["shown"] = "";
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
      h("span", { class: "line" }, h("strong", {}, reasonOf(entry)), h("span", { class: `state ${entry.state}` }, entry.state)),
      h("span", { class: "line" }, about, h("small", {}, `#${entry.id} · ${sourceOf(entry)} · ${when(entry.openedMs)}`)),
    );
    button.setAttribute("aria-current", String(entry.id === chosen));
    button.addEventListener("click", () => void show(entry.id));
    return h("li", {}, button);
  });
  const now = cases.find((entry) => entry.id === chosen);
  if (now !== undefined && now.state !== drawn) await show(chosen);
  // A list that did not change keeps the keyboard's place.
  const fresh = rows.map((row) => row.textContent).join();
  if (fresh === list.dataset["shown"]) return;
  list.dataset["shown"] = fresh;
  list.replaceChildren(...(rows.length > 0 ? rows : [h("li", {}, "Nothing to do.")]));
}

async function show(id: number): Promise<void> {
  chosen = id;
  const view = await call<View>("case", { id });
  const { user, object, reporter, source, state, evidence } = view.case;
  drawn = state;
  const other = source === "behaviour" ? "done to" : "reported by";
  const [appeal] = view.audit.filter(({ what }) => what === "appealed").slice(-1);
  detail.replaceChildren(
    h("h2", {}, `${reasonOf(view.case)} `, h("span", { class: `state ${state}` }, state)),
    facts({ case: `#${id}, ${sourceOf(view.case)}, ${when(view.case.openedMs)}`, about: user, object, [other]: reporter }),
    ...(appeal === undefined ? [] : [h("h3", {}, "Appeal"), h("blockquote", { class: "appeal" }, wordsOf(appeal) || "(without words)")]),
    h("h3", {}, "Evidence"),
    ...evidenceOf(JSON.parse(evidence) as Evidence),
    h("h3", {}, "Decision"),
    decisionForm(view.case),
    h("h3", {}, "Measures"),
    h("ul", { id: "measures" }, ...view.measures.map((measure) => measureRow(id, measure))),
    ...(view.measures.length === 0 ? [h("p", { class: "dim" }, "None.")] : []),
    h("h3", {}, "Audit log"),
    h(
      "ol",
      { id: "audit" },
      ...view.audit.map(({ atMs, who, what, detail: more }) =>
        h("li", {}, h("time", {}, when(atMs)), ` ${who}: ${what} `, h("small", {}, detailOf(more))),
      ),
    ),
  );
  for (const button of list.querySelectorAll("[data-case]"))
    button.setAttribute("aria-current", String(button.getAttribute("data-case") === String(id)));
}

function evidenceOf({ text, lines = [], distanceM, witnesses = [], score, numbers = {}, model, hidden }: Evidence): HTMLElement[] {
  const all = hidden === undefined ? numbers : { ...numbers, hidden };
  const rounded = Object.fromEntries(Object.entries(all).map(([name, value]) => [NUMBERS[name] ?? name, String(value)]));
  return [
    ...(text ? [h("blockquote", {}, text)] : []),
    ...lines.map((line) => h("blockquote", {}, `${line.user}: ${line.text}${line.hidden ? " (hidden)" : ""}`)),
    facts({
      distance: distanceM === undefined ? "" : `${distanceM} m`,
      "near by": witnesses.join(", "),
      ...rounded,
      score: score === undefined ? "" : String(score),
      model: model ?? "",
    }),
  ];
}

function decisionForm(of: Case): HTMLElement {
  const fitting = DECISIONS.filter(({ fits }) => fits(of));
  const kind = h("select", { id: "decision" }, ...fitting.map(({ kind: name, says }) => h("option", { value: name }, says)));
  const minutes = h("select", { id: "minutes" }, ...SPANS.map(([count, says]) => h("option", { value: count }, says)));
  minutes.value = "60";
  const span = h("label", {}, "For ", minutes);
  const words = h("input", { id: "words", maxlength: "200", placeholder: "for the log, and for who is warned" });
  const says = h("p", { role: "alert" });
  const lasting = (): void => void (span.hidden = fitting.find((one) => one.kind === kind.value)?.lasts !== true);
  kind.addEventListener("change", lasting);
  lasting();
  const form = h(
    "form",
    { id: "decide" },
    h("div", { class: "row" }, h("label", {}, "What ", kind), span, h("label", { class: "wide" }, "Why ", words)),
    h("button", { type: "submit", class: "primary" }, "Decide"),
    says,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void act("decide", { id: of.id, kind: kind.value, minutes: Number(minutes.value), words: words.value }, of.id, says);
  });
  return form;
}

function measureRow(id: number, { id: measure, kind, user, untilMs, endedMs, by }: Measure): HTMLElement {
  const row = h("li", {}, `${kind} ${user}, by ${by}, ${endedMs > 0 ? `ended ${when(endedMs)}` : `until ${when(untilMs)}`} `);
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

const REASONS: Readonly<Record<string, string>> = {
  following: "Follows somebody",
  blocking: "Stands in somebody's way",
  bubble: "In somebody's face",
  gestures: "Gestures at somebody",
  objectSpam: "Floods the place with objects",
  vandalism: "Removes one thing after another",
  chatFlood: "Floods the chat",
};
const reasonOf = ({ reason }: Case): string => REASONS[reason] ?? reason;
const SOURCES: Readonly<Record<string, string>> = { report: "reported", behaviour: "noticed by itself", text: "hidden texts" };
const sourceOf = ({ source }: Case): string => SOURCES[source] ?? source;

const wordsOf = ({ detail: text }: Audit): string => String((JSON.parse(text) as { readonly words?: string }).words ?? "");

/** What an audit line has beside its sentence: moments as moments, spans as minutes, nothing that is empty. */
function detailOf(text: string): string {
  const told = Object.entries(JSON.parse(text) as Record<string, unknown>).filter(([, value]) => value !== "" && value !== 0);
  return told
    .map(([name, value]) => {
      if (name === "untilMs") return `until ${when(Number(value))}`;
      if (name === "forMs") return `for ${Math.round(Number(value) / 60_000)} min`;
      if (name === "thresholds")
        return Object.entries(value as Record<string, number>)
          .map(([of, least]) => `${of} from ${least}`)
          .join(", ");
      return `${name} ${String(value)}`;
    })
    .filter(Boolean)
    .join(" · ");
}

const when = (ms: number): string => new Date(ms).toLocaleString([], { dateStyle: "short", timeStyle: "short" });

signIn();
