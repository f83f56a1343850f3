/**
 * Inside: composes world, input and panels around a joined space, and runs the frame.
 *
 * [WI1] Order of a frame: measure the body, hand it to the SDK, act on buttons, let the SDK play everybody out, draw.
 * [WI2] A hidden window draws nothing but still answers the room, so that others see somebody standing still and not a ghost.
 */
import { Vector3 } from "three";
import type { Space } from "@copresence/client";
import { place } from "../input/geometry.ts";
import { BENCH } from "../world/furniture.ts";
import { DesktopInput } from "../input/desktop.ts";
import type { EmulatedDevice } from "../input/iwer.ts";
import { driveEmulatedHeadset } from "../input/iwer-desk.ts";
import { createLocalPose } from "../input/local-pose.ts";
import { XrInput } from "../input/xr.ts";
import { enterVr, xrSupport } from "../input/xr-session.ts";
import { useObject } from "../ui/object-deeds.ts";
import { refusedSentence } from "../ui/sentences.ts";
import { workshop } from "../workshop.ts";
import type { Stage } from "../world/stage.ts";
import { drawOwnHands } from "./draw-own-hands.ts";
import { FrameMeter } from "./frame-meter.ts";
import { createHud } from "./hud.ts";
import type { DemoHandle } from "./handle.ts";
import { placeNew } from "./place-new.ts";
import { createWorld } from "./world.ts";

/** The first look is at the bench, a little above its top. */
const FIRST_LOOK_M = 1.35;
const HIDDEN_FRAME_MS = 250;

export type Inside = {
  readonly hud: HTMLElement;
  frame(nowMs: number, deltaMs: number): void;
  readonly handle: Pick<DemoHandle, "space" | "input" | "select"> & { readonly views: DemoHandle["three"]["views"] };
  readonly meter: FrameMeter;
};

export function walkIn(stage: Stage, canvas: HTMLCanvasElement, space: Space<any>, device: EmulatedDevice | undefined): Inside {
  const world = createWorld(stage, space);
  const local = createLocalPose();
  const meter = new FrameMeter();
  let session: XRSession | undefined;
  let stopDriving: (() => void) | undefined;
  const { xr } = stage.renderer;

  const nameOf = (slot: number | undefined): string | undefined => (slot === undefined ? undefined : space.people.get(slot)?.name);
  const onRefused: ConstructorParameters<typeof DesktopInput>[0]["events"]["onRefused"] = (result) =>
    hud.toasts.show(refusedSentence(result, nameOf(result.holder)), "warning");
  const desktop = new DesktopInput({
    space,
    views: world.views,
    aim: world.aim,
    camera: stage.camera,
    canvas,
    events: { onSelect: (id) => hud.select(id), onRefused },
  });
  const xrInput = new XrInput({
    space,
    views: world.views,
    aim: world.aim,
    rig: stage.rig,
    events: { onUse: (id) => useObject(space.objects.get(id)), onRefused },
  });

  const toggleVr = async (): Promise<void> => {
    if (session !== undefined) return session.end();
    try {
      session = await enterVr(stage.renderer);
    } catch (cause) {
      hud.toasts.show((cause as Error).message, "warning");
      return;
    }
    hud.toolbar.setVr("presenting", device !== undefined);
    if (device !== undefined) stopDriving = driveEmulatedHeadset(device, canvas);
    session.addEventListener("end", () => {
      session = undefined;
      stopDriving?.();
      xrInput.end();
      world.hands.hide();
      hud.toolbar.setVr("ready", device !== undefined);
    });
  };
  const hud = createHud(
    space,
    Object.keys(workshop.objects),
    workshop.roles[space.me.role as keyof typeof workshop.roles]?.create ?? false,
    () => meter.fps,
    {
      lookAt: (x, y, z) => desktop.lookAt(new Vector3(x, y, z)),
      pointOut: (hits) => world.views.pointOut(hits),
      add: (type) => hud.select(placeNew(space, type)),
      toggleVr: () => void toggleVr(),
      hovered: () => desktop.hovered,
      selectionChanged: (id) => world.views.mark(desktop.hovered, id),
    },
  );
  void xrSupport().then((support) => hud.toolbar.setVr(support === "vr" ? "ready" : "none", device !== undefined));

  place(stage.rig, space.me.origin);
  desktop.lookAt(new Vector3(0, FIRST_LOOK_M, BENCH.z));
  const measure = (deltaMs: number): void => {
    const presenting = xr.isPresenting && session !== undefined;
    if (presenting) xrInput.update(xr, local, deltaMs);
    else desktop.update(local, deltaMs);
    space.me.setPose(local.pose, local.states, local.timeMs);
    if (presenting) xrInput.afterPose(xr);
    else desktop.afterPose();
  };
  setInterval(() => {
    if (document.visibilityState !== "hidden" || session !== undefined) return;
    measure(HIDDEN_FRAME_MS);
    space.frame(performance.now());
  }, HIDDEN_FRAME_MS);

  return {
    hud: hud.element,
    meter,
    handle: { space, input: { desktop, xr: xrInput }, views: world.views.views, select: hud.select },
    frame(nowMs, deltaMs) {
      meter.tick(nowMs);
      measure(deltaMs);
      const presenting = xr.isPresenting && session !== undefined;
      const hovered = presenting ? (xrInput.hands[1].hovered ?? xrInput.hands[0].hovered) : desktop.hovered;
      world.views.mark(hovered, hud.inspector.selected);
      world.update(nowMs, deltaMs);
      drawOwnHands({ space, world, stage, desktop, xr: presenting ? xrInput : undefined, local: local.pose });
    },
  };
}
