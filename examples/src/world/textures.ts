/** Textures drawn at start-up: a soft round glow and a soft round shadow. Nothing is loaded from anywhere. */
import { CanvasTexture, SRGBColorSpace, type Texture } from "three";

function radial(stops: readonly (readonly [number, string])[], size = 128): Texture {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const gradient = context.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  for (const [at, color] of stops) gradient.addColorStop(at, color);
  context.fillStyle = gradient;
  context.fillRect(0, 0, size, size);
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  return texture;
}

let glow: Texture | undefined;
let shadow: Texture | undefined;

/** White in the middle, nothing at the rim. Shared; do not dispose. */
export const glowTexture = (): Texture =>
  (glow ??= radial([
    [0, "rgba(255,255,255,1)"],
    [0.18, "rgba(255,255,255,0.55)"],
    [0.5, "rgba(255,255,255,0.14)"],
    [1, "rgba(255,255,255,0)"],
  ]));

/** Black, soft. Shared; do not dispose. */
export const shadowTexture = (): Texture =>
  (shadow ??= radial(
    [
      [0, "rgba(0,0,0,0.6)"],
      [0.45, "rgba(0,0,0,0.3)"],
      [1, "rgba(0,0,0,0)"],
    ],
    64,
  ));
