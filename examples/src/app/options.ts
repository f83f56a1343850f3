/**
 * What the page's address asks for. All optional:
 * `name`, `role`, `space` fill the door's form; `join=1` walks in without asking; `quality=low|high`; `iwer=1` emulates a headset even where
 * the browser has WebXR; `fps=N` draws at most N frames a second, for tests on small machines; `hud=0` hides everything but the view.
 */
export type PageOptions = {
  readonly name: string | undefined;
  readonly role: string | undefined;
  readonly space: string | undefined;
  readonly join: boolean;
  readonly quality: "auto" | "low" | "high";
  readonly emulate: boolean;
  readonly maxFps: number;
  readonly hud: boolean;
};

export function readOptions(search: string): PageOptions {
  const query = new URLSearchParams(search);
  const text = (name: string): string | undefined => query.get(name)?.trim() || undefined;
  const quality = query.get("quality");
  return {
    name: text("name"),
    role: text("role"),
    space: text("space"),
    join: query.get("join") === "1",
    quality: quality === "low" || quality === "high" ? quality : "auto",
    emulate: query.get("iwer") === "1",
    maxFps: Math.max(1, Number(query.get("fps") ?? Number.POSITIVE_INFINITY) || Number.POSITIVE_INFINITY),
    hud: query.get("hud") !== "0",
  };
}
