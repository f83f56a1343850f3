/**
 * Who changed the selected object, and a way back: one's own changes for everybody, anybody's for moderators. The room says why not. A row undoes
 * what it shows and what the same person has changed since. While it is open, the list follows what happens.
 */
import type { HistoryEntry, Space } from "@copresence/client";
import { h } from "./dom.ts";

export type HistoryList = { readonly element: HTMLElement; show(object: string | undefined): void };

const SHOWN = 6;
/** After a change: the room reads its history from the disk, where a change is a moment later. */
const FOLLOW_MS = 1500;
const KINDS = { created: "made it", changed: "changed", deleted: "deleted it" } as const;

/** `say` shows a sentence for a moment. */
export function createHistoryList(space: Space, say: (sentence: string) => void): HistoryList {
  const rows = h("ol", { class: "history-rows" });
  const open = h("button", { type: "button", class: "deed", "aria-expanded": "false", onclick: () => void toggle() }, "History");
  const element = h("div", { class: "history" }, open, rows);
  let object: string | undefined;
  let shown = false;

  let following: ReturnType<typeof setTimeout> | undefined;

  const load = async (again = false): Promise<void> => {
    const asked = object;
    if (asked === undefined) return;
    const result = await space.history({ object: asked, limit: SHOWN });
    if (asked !== object || !shown || (again && !result.ok)) return;
    rows.replaceChildren(...(result.ok ? result.entries.map(row) : [h("li", {}, result.sentence)]));
    if (result.ok && result.entries.length === 0) rows.append(h("li", {}, "Nobody has changed it yet."));
  };
  const toggle = async (): Promise<void> => {
    shown = !shown;
    open.setAttribute("aria-expanded", String(shown));
    rows.replaceChildren();
    if (shown) await load();
  };
  space.on("object", (id) => {
    if (id !== object || !shown || following !== undefined) return;
    following = setTimeout(() => {
      following = undefined;
      if (shown) void load(true);
    }, FOLLOW_MS);
  });
  const undo = async ({ user, object: changed, fromMs }: HistoryEntry): Promise<void> => {
    const result = await space.rollback({ by: user, object: changed, since: fromMs });
    if (!result.ok) return say(result.sentence);
    say(
      result.changed > 0
        ? `${user === space.me.user ? "Your" : `${nameOf(space, user)}'s`} changes to it are undone.`
        : "Nothing to undo: others have changed it since.",
    );
    await load();
  };
  const row = (entry: HistoryEntry): HTMLElement =>
    h(
      "li",
      {},
      h("span", {}, `${nameOf(space, entry.user)} ${what(entry)}, ${ago(Date.now() - entry.untilMs)}`),
      h(
        "button",
        { type: "button", class: "deed", title: "Undo this, and what they have changed of it since", onclick: () => void undo(entry) },
        "Undo",
      ),
    );
  return {
    element,
    show(next) {
      if (next === object) return;
      object = next;
      shown = false;
      open.setAttribute("aria-expanded", "false");
      rows.replaceChildren();
    },
  };
}

function nameOf(space: Space, user: string): string {
  if (user === space.me.user) return "You";
  return space.people.byUser(user)?.name ?? (user === "server" ? "The space" : user);
}

const what = ({ kind, fields }: HistoryEntry): string => (kind === "changed" ? `${KINDS.changed} ${fields.join(", ")}` : KINDS[kind]);

function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "just now";
  return minutes < 60 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`;
}
