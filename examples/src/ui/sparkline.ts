/** A small line of recent values on a canvas; the newest at the right, the scale fitted to what is shown. Redrawn once per sample. */
import { h } from "./dom.ts";

const POINTS = 60;
const WIDTH = 84;
const HEIGHT = 22;

export type Sparkline = { readonly element: HTMLCanvasElement; push(value: number): void };

/** `floor`: the least height of the scale, so that noise near zero does not look like drama. */
export function createSparkline(color: string, floor: number): Sparkline {
  const ratio = Math.min(2, globalThis.devicePixelRatio);
  const element = h("canvas", { class: "spark", width: WIDTH * ratio, height: HEIGHT * ratio, "aria-hidden": "true" });
  const context = element.getContext("2d") as CanvasRenderingContext2D;
  context.scale(ratio, ratio);
  const values: number[] = [];
  return {
    element,
    push(value) {
      values.push(Number.isFinite(value) ? value : 0);
      if (values.length > POINTS) values.shift();
      const top = Math.max(floor, ...values) * 1.1;
      context.clearRect(0, 0, WIDTH, HEIGHT);
      context.beginPath();
      values.forEach((item, i) => context.lineTo(WIDTH - (values.length - 1 - i) * (WIDTH / (POINTS - 1)), HEIGHT - 2 - (item / top) * (HEIGHT - 4)));
      context.strokeStyle = color;
      context.lineWidth = 1.4;
      context.lineJoin = "round";
      context.stroke();
      context.lineTo(WIDTH, HEIGHT);
      context.lineTo(WIDTH - (values.length - 1) * (WIDTH / (POINTS - 1)), HEIGHT);
      context.closePath();
      context.globalAlpha = 0.16;
      context.fillStyle = color;
      context.fill();
      context.globalAlpha = 1;
    },
  };
}
