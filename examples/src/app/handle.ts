/**
 * `window.__copresence`: the demo's insides, for browser tests and for curious people at the console.
 *
 * - `space`     the SDK's Space; undefined before walking in.
 * - `xrDevice`  IWER's emulated headset (`position`, `quaternion`, `controllers.left/right`), or undefined with real WebXR.
 * - `three`     `renderer`, `scene`, `camera`, `rig` (play space in the room) and `views` (drawn objects by id, each with `root`).
 * - `input`     `desktop` (`yaw`, `pitch`, `carry`, `hovered`) and `xr` (`hands[0|1].carry`).
 * - `select(id)` opens an object's card, as a click on it does; undefined closes it.
 * - `fps`       frames per second over the last second.
 * - `screenOf(id)` where an object is on the page: `{x, y}` in CSS pixels, or undefined when it is behind the camera or not there.
 */
import type { PerspectiveCamera, Scene, WebGLRenderer } from "three";
import type { Space } from "@copresence/client";
import type { DesktopInput } from "../input/desktop.ts";
import type { EmulatedDevice } from "../input/iwer.ts";
import type { XrInput } from "../input/xr.ts";
import type { ObjectView } from "../world/object-view.ts";

export type DemoHandle = {
  space: Space | undefined;
  xrDevice: EmulatedDevice | undefined;
  three: {
    readonly renderer: WebGLRenderer;
    readonly scene: Scene;
    readonly camera: PerspectiveCamera;
    readonly rig: { readonly position: unknown; readonly quaternion: unknown };
    views: ReadonlyMap<string, ObjectView>;
  };
  input: { desktop: DesktopInput; xr: XrInput } | undefined;
  select(id: string | undefined): void;
  readonly fps: number;
  screenOf(id: string): { readonly x: number; readonly y: number } | undefined;
};

declare global {
  interface Window {
    __copresence?: DemoHandle;
  }
}
