/**
 * Mouse and keyboard for the emulated headset: drag looks, WASD is the left stick, arrows and T the right one, E squeezes the right
 * controller, F pulls its trigger; the controller points where the cursor is. Nothing happens without an input, so a test that poses the device is never disturbed.
 */
import { Euler, Quaternion, Vector3 } from "three";
import type { EmulatedDevice } from "./iwer.ts";
import { isTyping } from "./geometry.ts";

const LOOK_RAD_PER_PX = 0.0042;
const MAX_PITCH_RAD = 1.45;

/** Returns a function that ends it. */
export function driveEmulatedHeadset(device: EmulatedDevice, surface: HTMLElement): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const down = new Set<string>();
  const look = new Euler(0, 0, 0, "YXZ");
  const turn = new Quaternion();
  let dragging: { x: number; y: number } | undefined;

  const sticks = (): void => {
    const axis = (minus: string, plus: string): number => Number(down.has(plus)) - Number(down.has(minus));
    device.controllers.left?.updateAxes("thumbstick", axis("KeyA", "KeyD"), axis("KeyW", "KeyS"));
    device.controllers.right?.updateAxes("thumbstick", axis("ArrowLeft", "ArrowRight"), down.has("KeyT") ? -1 : axis("ArrowUp", "ArrowDown"));
    device.controllers.right?.updateButtonValue("squeeze", Number(down.has("KeyE")));
    device.controllers.right?.updateButtonValue("trigger", Number(down.has("KeyF")));
  };
  const pointRight = (event: PointerEvent): void => {
    const x = (event.clientX / globalThis.innerWidth) * 2 - 1;
    const y = 1 - (event.clientY / globalThis.innerHeight) * 2;
    const head = new Quaternion(device.quaternion.x, device.quaternion.y, device.quaternion.z, device.quaternion.w);
    const hand = new Vector3(0.18, -0.22, -0.4).applyQuaternion(head);
    const aim = head.clone().multiply(new Quaternion().setFromEuler(new Euler(y * 0.55 + 0.1, -x * 0.85 + 0.06, 0, "YXZ")));
    device.controllers.right?.position.set(device.position.x + hand.x, device.position.y + hand.y, device.position.z + hand.z);
    device.controllers.right?.quaternion.set(aim.x, aim.y, aim.z, aim.w);
  };

  globalThis.addEventListener(
    "keydown",
    (event) => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.repeat) return;
      down.add(event.code);
      sticks();
    },
    { signal },
  );
  globalThis.addEventListener("keyup", (event) => down.delete(event.code) && sticks(), { signal });
  globalThis.addEventListener("blur", () => (down.clear(), sticks()), { signal });
  surface.addEventListener("pointerdown", (event) => (dragging = { x: event.clientX, y: event.clientY }), { signal });
  globalThis.addEventListener("pointerup", () => (dragging = undefined), { signal });
  surface.addEventListener(
    "pointermove",
    (event) => {
      if (dragging !== undefined) {
        look.setFromQuaternion(turn.set(device.quaternion.x, device.quaternion.y, device.quaternion.z, device.quaternion.w), "YXZ");
        look.y += (event.clientX - dragging.x) * LOOK_RAD_PER_PX;
        look.x = Math.max(-MAX_PITCH_RAD, Math.min(MAX_PITCH_RAD, look.x + (event.clientY - dragging.y) * LOOK_RAD_PER_PX));
        turn.setFromEuler(look);
        device.quaternion.set(turn.x, turn.y, turn.z, turn.w);
        dragging = { x: event.clientX, y: event.clientY };
      }
      pointRight(event);
    },
    { signal },
  );
  return () => stop.abort();
}
