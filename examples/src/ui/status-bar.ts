/** Where you are, whether you are connected, whether everything is saved; and a banner that explains trouble in a sentence. */
import type { SavedState, Space, SpaceStatus } from "@copresence/client";
import { h } from "./dom.ts";

const STATUS: Readonly<Record<SpaceStatus, string>> = {
  connecting: "Connecting",
  live: "Live",
  asleep: "Asleep",
  reconnecting: "Reconnecting",
  closed: "Left",
};
const SAVED: Readonly<Record<SavedState, readonly [string, string]>> = {
  saved: ["Saved", "Everything you changed is on the server's disk."],
  saving: ["Saving", "Your last changes are on their way to the server's disk."],
  "storage-trouble": ["Not saving", "The server cannot write at the moment. The space is read-only until it can."],
  offline: ["Unsaved", "Your changes are kept and sent when the connection is back."],
  denied: ["Refused", "Your last change was refused and has been undone. Everything else is on the server's disk."],
};
const KEPT: Readonly<Record<Space["offline"], string>> = {
  off: "",
  kept: " They are kept on this device, also when you close this page.",
  unavailable: " This device cannot keep them: leave this page open.",
};

export type StatusBar = { readonly bar: HTMLElement; readonly banner: HTMLElement };

export function createStatusBar(space: Space, actions: { rejoin(): void }): StatusBar {
  const status = h("span", { class: "pill status", role: "status" });
  const saved = h("span", { class: "pill saved", role: "status" });
  const bar = h(
    "header",
    { class: "bar glass" },
    h("span", { class: "mark", "aria-hidden": "true" }),
    h("span", { class: "place" }, h("strong", {}, space.id), h("small", {}, space.region === "" ? "copresence" : `region ${space.region}`)),
    status,
    saved,
  );
  const sentence = h("p", {});
  const again = h("button", { type: "button", class: "primary small", onclick: () => actions.rejoin() }, "Join again");
  const retry = h("button", { type: "button", class: "quiet small", onclick: () => space.networkChanged() }, "Try now");
  const banner = h(
    "aside",
    { class: "banner glass", role: "alert", hidden: true },
    h("span", { class: "spinner", "aria-hidden": "true" }),
    sentence,
    retry,
    again,
  );

  let reason = "";
  let storage = "";
  const show = (): void => {
    status.textContent = STATUS[space.status];
    status.dataset["state"] = space.status;
    const [label, title] = SAVED[space.saved];
    saved.textContent = label;
    saved.title = space.saved === "offline" ? title + KEPT[space.offline] : title;
    saved.dataset["state"] = space.saved;
    const text = trouble(space.status, reason, storage);
    banner.hidden = text === "";
    banner.dataset["state"] = space.status;
    if (sentence.textContent !== text) sentence.textContent = text;
    again.hidden = space.status !== "closed";
    retry.hidden = space.status !== "reconnecting";
  };
  space.on("status", (change) => {
    reason = change.reason?.sentence ?? (change.status === "live" ? "" : reason);
    if (change.status === "live") reason = "";
    show();
  });
  space.on("saved", show);
  space.on("offline", show);
  space.on("storage", (notice) => {
    storage = notice.state === "bad" ? notice.sentence : "";
    show();
  });
  show();
  return { bar, banner };
}

function trouble(status: SpaceStatus, reason: string, storage: string): string {
  if (status === "reconnecting") return `${reason === "" ? "The connection was lost." : reason} Trying to get back in; your changes are kept.`;
  if (status === "closed") return `You are no longer in the space. ${reason}`.trim();
  if (storage !== "") return `The server cannot save right now, so the space is read-only. Moving and talking go on. ${storage}`.trim();
  return "";
}
