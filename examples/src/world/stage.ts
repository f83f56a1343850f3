/**
 * The stage: renderer, camera, rig and render loop. `rig` is the person's play space; the camera (and, in XR, the headset and the
 * controllers) hang below it, so moving the rig moves everything the person brings along.
 *
 * [ST1] One loop for desktop and XR: `renderer.setAnimationLoop`, which three.js hands to the XR session while one is presenting.
 * [ST2] `low` quality is chosen by itself on a software renderer: no antialiasing, no environment reflections, one pixel per pixel.
 * [ST3] Unless `high` is asked for, the resolution follows what the device can do.
 */
import {
  ACESFilmicToneMapping,
  Color,
  DirectionalLight,
  Fog,
  Group,
  HemisphereLight,
  PerspectiveCamera,
  PMREMGenerator,
  Scene,
  WebGLRenderer,
} from "three";
import { PALETTE } from "./palette.ts";
import { Resolution } from "./resolution.ts";

export type Quality = "low" | "high";
export type Stage = {
  readonly renderer: WebGLRenderer;
  readonly scene: Scene;
  readonly camera: PerspectiveCamera;
  /** The play space in the room's frame. */
  readonly rig: Group;
  readonly quality: Quality;
  /** Calls `frame` for each displayed frame with the time since the page loaded and since the previous frame, both in ms. */
  run(frame: (nowMs: number, deltaMs: number) => void): void;
  /** Lets metals and glass reflect `environment` (high quality only). */
  reflect(environment: Scene): void;
};

/** Displays tick unevenly: a frame this early still counts as due. */
const EARLY_MS = 3;
/** A longer pause is nobody's frame. */
const MAX_DELTA_MS = 250;
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

/** Throws a sentence when the browser has no WebGL 2. */
export function createStage(canvas: HTMLCanvasElement, wanted: Quality | "auto", maxFps: number): Stage {
  const gl = canvas.getContext("webgl2", {
    antialias: wanted === "high" || (wanted === "auto" && !onSoftware()),
    alpha: false,
    powerPreference: "high-performance",
  });
  if (gl === null) throw new Error("This browser has no WebGL 2, which the demo needs to draw the space.");
  const quality = wanted === "auto" ? (onSoftware() ? "low" : "high") : wanted;
  const renderer = new WebGLRenderer({ canvas, context: gl, antialias: quality === "high" });
  renderer.toneMapping = ACESFilmicToneMapping;
  renderer.toneMappingExposure = 1.08;
  renderer.setPixelRatio(quality === "low" ? 1 : Math.min(globalThis.devicePixelRatio, 2));
  renderer.xr.enabled = true;
  renderer.xr.setReferenceSpaceType("local-floor");

  const scene = new Scene();
  scene.background = new Color(PALETTE.upperSky);
  scene.fog = new Fog(PALETTE.haze, 26, 95);
  const sky = new HemisphereLight(0xb9c6ff, 0x6b5a52, quality === "low" ? 1.7 : 1.25);
  const key = new DirectionalLight(PALETTE.warmLight, quality === "low" ? 2.2 : 2.4);
  key.position.set(-6, 7, 5);
  scene.add(sky, key);

  const rig = new Group();
  const camera = new PerspectiveCamera(68, 1, 0.05, 400);
  camera.position.set(0, 1.6, 0);
  rig.add(camera);
  scene.add(rig);

  const fit = (): void => {
    if (renderer.xr.isPresenting) return;
    const width = Math.max(1, globalThis.innerWidth);
    const height = Math.max(1, globalThis.innerHeight);
    camera.aspect = width / height;
    camera.fov = width < height ? 82 : 68;
    camera.updateProjectionMatrix();
    renderer.setSize(width, height, false);
  };
  globalThis.addEventListener("resize", fit);
  renderer.xr.addEventListener("sessionend", fit);
  fit();

  return {
    renderer,
    scene,
    camera,
    rig,
    quality,
    run(frame) {
      let lastMs: number | undefined;
      const resolution = wanted === "high" ? undefined : new Resolution(renderer);
      renderer.setAnimationLoop(() => {
        const nowMs = performance.now();
        if (lastMs !== undefined && nowMs - lastMs < 1000 / maxFps - EARLY_MS) return;
        const deltaMs = lastMs === undefined ? 16 : Math.min(MAX_DELTA_MS, nowMs - lastMs);
        lastMs = nowMs;
        frame(nowMs, deltaMs);
        if (!renderer.xr.isPresenting) resolution?.tick(nowMs);
        renderer.render(scene, camera);
      });
    },
    reflect(environment) {
      if (quality === "low") return;
      const generator = new PMREMGenerator(renderer);
      scene.environment = generator.fromScene(environment, 0.02).texture;
      scene.environmentIntensity = 0.7;
      generator.dispose();
    },
  };
}

let software: boolean | undefined;
/** Asks a throw-away context, because antialiasing must be decided before the real one exists. */
function onSoftware(): boolean {
  if (software !== undefined) return software;
  const gl = document.createElement("canvas").getContext("webgl2");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  software = gl === null || (info !== null && info !== undefined && SOFTWARE.test(String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL))));
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return software;
}
