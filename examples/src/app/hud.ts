/** Everything around the view: builds the panels, lays them out, and connects them to each other. */
import type { RemotePerson, SearchHit, Space } from "@copresence/client";
import { createChatPanel } from "../ui/chat-panel.ts";
import { createDiagnostics } from "../ui/diagnostics.ts";
import { h } from "../ui/dom.ts";
import { createHelp } from "../ui/help.ts";
import { createInspector, type Inspector } from "../ui/inspector.ts";
import { useObject } from "../ui/object-deeds.ts";
import { measureNotice } from "../ui/measure-notice.ts";
import { createPeopleList } from "../ui/people-list.ts";
import { createSearchBox } from "../ui/search-box.ts";
import { deniedSentence, mergedSentence } from "../ui/sentences.ts";
import { createStatusBar } from "../ui/status-bar.ts";
import { deleteObject } from "../ui/deletion.ts";
import { createToasts, type Toasts } from "../ui/toasts.ts";
import { createToolbar, toggleTab, type Toolbar } from "../ui/toolbar.ts";
import { listenForShortcuts } from "./shortcuts.ts";

export type HudActions = {
  lookAt(x: number, y: number, z: number): void;
  pointOut(hits: readonly SearchHit[]): void;
  add(type: string): void;
  toggleVr(): void;
  /** What is under the cursor, for keys that act on it when nothing is selected. */
  hovered(): string | undefined;
  selectionChanged(id: string | undefined): void;
};
export type Hud = {
  readonly element: HTMLElement;
  readonly inspector: Inspector;
  readonly toasts: Toasts;
  readonly toolbar: Toolbar;
  select(id: string | undefined): void;
};

/** Narrower windows start without the network panel. */
const ROOMY_PX = 1080;
const SETTLE_MS = 3000;

export function createHud(space: Space, types: readonly string[], mayCreate: boolean, fps: () => number, actions: HudActions): Hud {
  const toasts = createToasts();
  const warn = (sentence: string): void => toasts.show(sentence, "warning");
  const select = (id: string | undefined): void => {
    inspector.select(id);
    actions.selectionChanged(id);
  };
  const inspector = createInspector(space, () => select(undefined), toasts);
  const status = createStatusBar(space, { rejoin: () => location.reload() });
  const people = createPeopleList(space, (person: RemotePerson) =>
    actions.lookAt(person.pose[0] as number, person.pose[1] as number, person.pose[2] as number),
  );
  const chat = createChatPanel(space, warn);
  const search = createSearchBox(space, {
    onHits: (hits) => actions.pointOut(hits),
    onChoose(hit) {
      const at = space.objects.get(hit.object)?.transform ?? hit.position;
      actions.lookAt(at[0] as number, at[1] as number, at[2] as number);
      select(hit.object);
    },
    warn,
  });
  const help = createHelp();
  const toolbar = createToolbar(types, { onAdd: (type) => actions.add(type), onVr: () => actions.toggleVr(), onHelp: () => help.showModal() });
  toolbar.setMayCreate(mayCreate);
  const diagnostics = createDiagnostics(space, fps);
  const hints = h("p", { class: "hints" }, "Drag to look · WASD to walk · drag an object to carry it · Enter to rename · ? for more");
  const element = h(
    "div",
    { class: "hud" },
    h("div", { class: "column left" }, status.bar, people, inspector.element),
    search.element,
    h("div", { class: "column right" }, diagnostics.element, chat.element),
    h("div", { class: "bottom" }, toasts.element, hints, toolbar.element),
    status.banner,
    help,
  );
  document.body.classList.toggle("no-network", innerWidth < ROOMY_PX);
  setTimeout(() => hints.remove(), 45_000);

  const target = (): string | undefined => inspector.selected ?? actions.hovered();
  listenForShortcuts({
    search: () => search.focus(),
    chat: () => (openTab("chat"), chat.focus()),
    network: () => toggleTab("network"),
    help: () => help.showModal(),
    use: () => useObject(space.objects.get(target() ?? "")),
    deselect: () => select(undefined),
    remove: () => inspector.selected !== undefined && deleteObject(space, inspector.selected, toasts),
    rename() {
      if (inspector.selected === undefined) select(actions.hovered());
      if (inspector.selected === undefined) toasts.show("Click an object first, then press Enter to name it.");
      else inspector.rename();
    },
  });
  space.on("denied", (notice) => warn(deniedSentence(notice)));
  space.on("measure", (notice) => toasts.notice(measureNotice(space, notice)));
  // Told at the door, before this listened.
  for (const notice of space.safety.measures.values()) toasts.notice(measureNotice(space, notice));
  space.on("offline", ({ sentence }) => warn(sentence));
  space.on("merged", (report) => toasts.show(mergedSentence(report), report.saved === report.edits.length ? "info" : "warning"));
  // After a reconnect everybody joins again, which is no news.
  let liveSinceMs = performance.now();
  space.on("status", ({ status }) => status === "live" && (liveSinceMs = performance.now()));
  space.on("joined", (person) => {
    if (space.status === "live" && performance.now() - liveSinceMs > SETTLE_MS) toasts.show(`${person.name} walked in.`);
  });
  return { element, inspector, toasts, toolbar, select };
}

function openTab(name: string): void {
  document.body.dataset["tab"] = name;
}
