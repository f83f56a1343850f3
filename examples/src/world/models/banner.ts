/** A standing banner that shows its own label in large letters on a cloth that moves a little. The origin is the foot of its pole. */
import {
  BackSide,
  CanvasTexture,
  CylinderGeometry,
  FrontSide,
  Group,
  Mesh,
  MeshBasicMaterial,
  PlaneGeometry,
  RepeatWrapping,
  SphereGeometry,
  SRGBColorSpace,
} from "three";
import type { ModelMaker } from "../models.ts";
import { asColor } from "../models.ts";
import { wrapText } from "../text.ts";
import { disposeGeometries, fuse, put } from "./shapes.ts";

const CLOTH = { widthM: 1.15, heightM: 1.05, columns: 14 } as const;

export const banner: ModelMaker = (materials) => {
  const group = new Group();
  const pole = materials.of({ color: 0xb9a17a, metal: 0.5, rough: 0.45 });
  const foot = materials.of({ color: 0x3a4154, metal: 0.5, rough: 0.6 });
  put(group, new CylinderGeometry(0.21, 0.26, 0.06, 28), foot, [0, 0.03, 0]);
  put(group, new CylinderGeometry(0.018, 0.022, 2.3, 12), pole, [0, 1.2, 0]);
  put(group, new CylinderGeometry(0.011, 0.011, CLOTH.widthM + 0.1, 8), pole, [CLOTH.widthM / 2, 2.26, 0], [0, 0, Math.PI / 2]);
  put(group, new SphereGeometry(0.04, 14, 10), pole, [0, 2.37, 0]);
  fuse(group);
  const canvas = document.createElement("canvas");
  canvas.width = 512;
  canvas.height = 468;
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  texture.anisotropy = 4;
  const geometry = new PlaneGeometry(CLOTH.widthM, CLOTH.heightM, CLOTH.columns, 1);
  const cloth = new Mesh(geometry, new MeshBasicMaterial({ map: texture, side: FrontSide, color: 0xd8d4e0 }));
  cloth.position.set(CLOTH.widthM / 2 + 0.03, 2.25 - CLOTH.heightM / 2, 0);
  // The back shows the same words the right way round, not their mirror image.
  const mirrored = texture.clone();
  mirrored.wrapS = RepeatWrapping;
  mirrored.repeat.x = -1;
  const back = new Mesh(geometry, new MeshBasicMaterial({ map: mirrored, side: BackSide, color: 0xb4b0c0 }));
  back.position.copy(cloth.position);
  group.add(cloth, back);

  let drawn = "";
  return {
    group,
    heightM: 2.6,
    centreM: 1.25,
    radiusM: 0.7,
    shadowM: 0.7,
    update(fields, label) {
      const color = asColor(fields["color"], 0x4f6bd8);
      const key = `${color} ${label}`;
      if (key === drawn) return;
      drawn = key;
      paint(canvas, color, label);
      texture.needsUpdate = true;
      mirrored.needsUpdate = true;
    },
    animate(nowMs) {
      const positions = geometry.getAttribute("position");
      for (let i = 0; i < positions.count; i++) {
        const along = positions.getX(i) / CLOTH.widthM + 0.5;
        const low = positions.getY(i) < 0 ? 1 : 0.25;
        positions.setZ(i, Math.sin(nowMs * 0.0016 - along * 5) * 0.045 * along * low);
      }
      positions.needsUpdate = true;
    },
    dispose() {
      disposeGeometries(group);
      cloth.material.dispose();
      back.material.dispose();
      texture.dispose();
      mirrored.dispose();
    },
  };
};

function paint(canvas: HTMLCanvasElement, color: number, label: string): void {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const { width, height } = canvas;
  context.fillStyle = `#${color.toString(16).padStart(6, "0")}`;
  context.fillRect(0, 0, width, height);
  const shade = context.createLinearGradient(0, 0, width, 0);
  shade.addColorStop(0, "rgba(0,0,0,0.28)");
  shade.addColorStop(0.12, "rgba(0,0,0,0)");
  shade.addColorStop(1, "rgba(0,0,0,0.16)");
  context.fillStyle = shade;
  context.fillRect(0, 0, width, height);
  context.strokeStyle = "rgba(255,255,255,0.55)";
  context.lineWidth = 5;
  context.strokeRect(24, 24, width - 48, height - 48);
  context.fillStyle = "#ffffff";
  context.textAlign = "center";
  context.textBaseline = "middle";
  let size = 78;
  let lines: string[] = [];
  for (; size > 26; size -= 6) {
    context.font = `600 ${size}px "Avenir Next", "Segoe UI", system-ui, sans-serif`;
    lines = wrapText(context, label, width - 110);
    if (lines.length * size * 1.18 < height - 110) break;
  }
  lines.forEach((line, i) => context.fillText(line, width / 2, height / 2 + (i - (lines.length - 1) / 2) * size * 1.18, width - 90));
}
