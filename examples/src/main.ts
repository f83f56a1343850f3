/** The demo's composition root: stage, door, space. */
import { Scene, Vector3 } from "three";
import { connect, type Space } from "@copresence/client";
import type { DemoHandle } from "./app/handle.ts";
import { showMishaps } from "./app/mishaps.ts";
import { readOptions } from "./app/options.ts";
import { personNamed, ticketSource } from "./app/tickets.ts";
import { type Inside, walkIn } from "./app/walk-in.ts";
import { emulateHeadset } from "./input/iwer.ts";
import { createJoinScreen, type JoinChoice } from "./ui/join-screen.ts";
import { h } from "./ui/dom.ts";
import { workshop } from "./workshop.ts";
import { addEnvironment } from "./world/environment.ts";
import { createDome } from "./world/sky.ts";
import { createStage, type Stage } from "./world/stage.ts";

const options = readOptions(location.search);
const canvas = document.querySelector<HTMLCanvasElement>("#world") as HTMLCanvasElement;
const app = document.querySelector<HTMLElement>("#app") as HTMLElement;

showMishaps(document.body);
try {
  await open(createStage(canvas, options.quality, options.maxFps));
} catch (cause) {
  app.replaceChildren(h("p", { class: "banner glass", role: "alert" }, cause instanceof Error ? cause.message : "The demo could not start."));
}

async function open(stage: Stage): Promise<void> {
  document.body.classList.toggle("low-quality", stage.quality === "low");
  addEnvironment(stage.scene);
  stage.reflect(new Scene().add(createDome()));
  const device = await emulateHeadset(options.emulate);
  let inside: Inside | undefined;
  expose(stage, device, () => inside);
  stage.run((nowMs, deltaMs) => (inside === undefined ? drift(stage, nowMs) : inside.frame(nowMs, deltaMs)));

  const join = async (choice: JoinChoice): Promise<void> => {
    // The page's own folder, so that the demo also works below a path.
    const server = new URL(".", location.href).href;
    const ticket = ticketSource(server, choice, await personNamed(choice.name));
    const space: Space<any> = await connect({ url: server, space: choice.space, ticket, scene: workshop, offline: true });
    door.close();
    inside = walkIn(stage, canvas, space, device);
    if (options.hud) app.replaceChildren(inside.hud);
    canvas.focus({ preventScroll: true });
    globalThis.addEventListener("online", () => space.networkChanged());
    globalThis.addEventListener("pagehide", () => void space.leave());
  };
  const { name, role, space } = options;
  const door = createJoinScreen(
    { ...(name !== undefined && { name }), ...(role !== undefined && { role }), ...(space !== undefined && { space }) },
    join,
  );
  app.replaceChildren(door.element);
  if (options.join) door.element.querySelector("form")?.requestSubmit();
}

/** Behind the door: a slow look around. */
function drift(stage: Stage, nowMs: number): void {
  const turn = Math.sin(nowMs * 0.00009) * 0.4;
  stage.rig.position.set(Math.sin(turn) * 6 - 1.2, 0.2, Math.cos(turn) * 6 - 1.4);
  // Wide screens have the door's form at the left.
  stage.rig.rotation.set(0, turn + (stage.camera.aspect > 1.2 ? 0.16 : 0), 0);
}

function expose(stage: Stage, xrDevice: DemoHandle["xrDevice"], inside: () => Inside | undefined): void {
  const { renderer, scene, camera, rig } = stage;
  const at = new Vector3();
  window.__copresence = {
    xrDevice,
    get space() {
      return inside()?.handle.space;
    },
    get input() {
      return inside()?.handle.input;
    },
    select: (id) => inside()?.handle.select(id),
    get fps() {
      return inside()?.meter.fps ?? 0;
    },
    three: {
      renderer,
      scene,
      camera,
      rig,
      get views() {
        return inside()?.handle.views ?? new Map();
      },
    },
    screenOf(id) {
      const view = inside()?.handle.views.get(id);
      if (view === undefined) return undefined;
      at.copy(view.root.position)
        .setY(view.root.position.y + view.model.centreM)
        .project(camera);
      return at.z > 1 ? undefined : { x: ((at.x + 1) / 2) * innerWidth, y: ((1 - at.y) / 2) * innerHeight };
    },
  };
}
