/**
 * A label in the world: a sprite with a title and, below it, a smaller line (who holds it, why the search found it, or that it is hidden).
 * Redrawn only when its words change.
 */
import { CanvasTexture, LinearFilter, Sprite, SpriteMaterial, SRGBColorSpace } from "three";
import { cssColor, shorten, WORLD_FONT, wrapText } from "./text.ts";

export type LabelText = {
  readonly title: string;
  readonly note?: string | undefined;
  /** Edge and dot, 0xRRGGBB. */
  readonly accent?: number | undefined;
  /** Hidden by moderation: italic and dim. */
  readonly veiled?: boolean;
  readonly strong?: boolean;
};

const WIDTH = 512;
const HEIGHT = 176;
/** Size in the world at close range, m. */
const SCALE_M = 0.66;
/** Width of a readable label as a share of its distance. */
const READABLE = 0.3;

export class Label {
  readonly sprite: Sprite;
  private readonly canvas = document.createElement("canvas");
  private readonly texture: CanvasTexture;
  private drawn = "";

  constructor() {
    this.canvas.width = WIDTH;
    this.canvas.height = HEIGHT;
    this.texture = new CanvasTexture(this.canvas);
    this.texture.colorSpace = SRGBColorSpace;
    this.texture.minFilter = LinearFilter;
    this.texture.generateMipmaps = false;
    this.sprite = new Sprite(new SpriteMaterial({ map: this.texture, transparent: true, depthWrite: false, toneMapped: false, fog: false }));
    this.sprite.center.set(0.5, 0);
    this.sprite.renderOrder = 5;
    this.sprite.visible = false;
  }

  show(text: LabelText): void {
    const key = JSON.stringify(text);
    if (key === this.drawn) return;
    this.drawn = key;
    paint(this.canvas, text);
    this.texture.needsUpdate = true;
  }

  /**
   * Grows a little with distance, so that it can be read across the room without shouting from near. What is pointed out is as large as
   * reading needs and in front of everything.
   */
  fit(distanceM: number, opacity: number, pointedOut: boolean): void {
    const scale = Math.max(SCALE_M * (0.72 + Math.min(12, distanceM) * 0.14), pointedOut ? distanceM * READABLE : 0);
    this.sprite.material.depthTest = !pointedOut;
    this.sprite.renderOrder = pointedOut ? 7 : 5;
    this.sprite.scale.set(scale, (scale * HEIGHT) / WIDTH, 1);
    this.sprite.material.opacity = opacity;
    this.sprite.visible = opacity > 0.02;
  }

  dispose(): void {
    this.texture.dispose();
    this.sprite.material.dispose();
  }
}

function paint(canvas: HTMLCanvasElement, text: LabelText): void {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.clearRect(0, 0, WIDTH, HEIGHT);
  const noteSize = 26;
  const title = text.title === "" ? "unnamed" : text.title;
  const dim = text.veiled === true || text.title === "";
  context.font = `${dim ? "italic 500" : "600"} 34px ${WORLD_FONT}`;
  const titleLine = shorten(title, 26);
  const titleWidth = context.measureText(titleLine).width;
  context.font = `500 ${noteSize}px ${WORLD_FONT}`;
  const noteLine = text.note === undefined ? "" : shorten(wrapText(context, text.note, 10_000).join(" "), 40);
  const dot = text.accent === undefined ? 0 : 26;
  const inner = Math.min(WIDTH - 60, Math.max(titleWidth + dot, context.measureText(noteLine).width));
  const boxHeight = noteLine === "" ? 62 : 100;
  const left = (WIDTH - inner) / 2 - 26;
  const top = HEIGHT - boxHeight - 10;
  context.beginPath();
  context.roundRect(left, top, inner + 52, boxHeight, 24);
  context.fillStyle = text.strong === true ? "rgba(18,23,40,0.94)" : "rgba(14,18,33,0.74)";
  context.fill();
  context.lineWidth = text.strong === true ? 4 : 2;
  context.strokeStyle = text.accent === undefined ? "rgba(255,255,255,0.16)" : cssColor(text.accent);
  context.stroke();
  const titleX = (WIDTH - titleWidth - dot) / 2 + dot;
  const titleY = top + 32;
  if (text.accent !== undefined) {
    context.beginPath();
    context.arc(titleX - 17, titleY, 8, 0, Math.PI * 2);
    context.fillStyle = cssColor(text.accent);
    context.fill();
  }
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillStyle = dim ? "rgba(226,232,248,0.62)" : "#f3f6ff";
  context.font = `${dim ? "italic 500" : "600"} 34px ${WORLD_FONT}`;
  context.fillText(titleLine, titleX, titleY, inner);
  if (noteLine === "") return;
  context.textAlign = "center";
  context.font = `500 ${noteSize}px ${WORLD_FONT}`;
  context.fillStyle = "rgba(206,216,242,0.86)";
  context.fillText(noteLine, WIDTH / 2, top + 73, inner);
}
