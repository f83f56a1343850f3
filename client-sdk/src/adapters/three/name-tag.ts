/// <reference lib="dom" />
/** A name on a rounded label that always faces the viewer. Drawn on a canvas; where there is none (tests in node) there is no tag. */
import { CanvasTexture, LinearFilter, Sprite, SpriteMaterial, SRGBColorSpace } from "three";

const FONT_PX = 44;
const PAD_PX = 26;
const HEIGHT_PX = 84;
const METRES_PER_PX = 0.0011;
const MAX_LETTERS = 24;

export class NameTag {
  readonly object: Sprite;
  private readonly texture: CanvasTexture;

  private constructor(canvas: HTMLCanvasElement) {
    this.texture = new CanvasTexture(canvas);
    this.texture.colorSpace = SRGBColorSpace;
    this.texture.minFilter = LinearFilter;
    this.object = new Sprite(new SpriteMaterial({ map: this.texture, transparent: true, depthWrite: false }));
    this.object.scale.set(canvas.width * METRES_PER_PX, canvas.height * METRES_PER_PX, 1);
  }

  static make(name: string, color: number): NameTag | undefined {
    if (typeof document === "undefined" || name === "") return undefined;
    const canvas = document.createElement("canvas");
    const shown = [...name].length > MAX_LETTERS ? `${[...name].slice(0, MAX_LETTERS - 1).join("")}…` : name;
    if (!draw(canvas, shown, color)) return undefined;
    return new NameTag(canvas);
  }

  dispose(): void {
    this.object.removeFromParent();
    this.object.material.dispose();
    this.texture.dispose();
  }
}

function draw(canvas: HTMLCanvasElement, text: string, color: number): boolean {
  const font = `600 ${FONT_PX}px system-ui, -apple-system, "Segoe UI", sans-serif`;
  const context = canvas.getContext("2d");
  if (context === null) return false;
  context.font = font;
  canvas.width = Math.ceil(context.measureText(text).width) + PAD_PX * 3;
  canvas.height = HEIGHT_PX;
  // Resizing has reset the context.
  context.font = font;
  context.fillStyle = "rgba(14, 18, 26, 0.78)";
  context.beginPath();
  context.roundRect(2, 2, canvas.width - 4, canvas.height - 4, (canvas.height - 4) / 2);
  context.fill();
  context.fillStyle = `#${color.toString(16).padStart(6, "0")}`;
  context.beginPath();
  context.arc(PAD_PX + 4, canvas.height / 2, 11, 0, Math.PI * 2);
  context.fill();
  context.fillStyle = "#f4f6fa";
  context.textBaseline = "middle";
  context.fillText(text, PAD_PX * 2, canvas.height / 2 + 2);
  return true;
}
