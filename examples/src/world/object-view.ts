/** One shared object as it is drawn: its model, its label, its outline and, while the search points at it, its beam. */
import { Group, type Scene, type Vector3 } from "three";
import type { SpaceObject } from "@copresence/client";
import { Beam, createOutline } from "./highlight.ts";
import { Label } from "./label.ts";
import type { Materials } from "./materials.ts";
import { createModel, type Model } from "./models.ts";
import { surfaceBelow } from "./environment.ts";

export type Found = { readonly rank: number; readonly why: string };
/** What the view needs to know about whoever holds the object. */
export type HolderLook = { readonly name: string; readonly color: number };

const HOVER_COLOR = 0xbfd4ff;
const SELECT_COLOR = 0xffc98a;
const FOUND_COLOR = 0x7df0d2;
/** Labels of things nobody points at fade out between these distances, m. */
const LABEL_NEAR_M = 5;
const LABEL_FAR_M = 8.5;

export class ObjectView {
  readonly id: string;
  readonly root = new Group();
  readonly model: Model;
  hovered = false;
  selected = false;
  private found: Found | undefined;
  private beam: Beam | undefined;
  private outline: { readonly group: Group; readonly color: number } | undefined;
  private readonly label = new Label();
  private readonly scene: Scene;

  constructor(object: SpaceObject, scene: Scene, materials: Materials) {
    this.id = object.id;
    this.scene = scene;
    this.model = createModel(object.type, materials);
    this.root.add(this.model.group);
    this.root.name = object.id;
    this.root.userData["objectId"] = object.id;
    scene.add(this.root, this.label.sprite);
  }

  point(found: Found | undefined): void {
    this.found = found;
    if (found === undefined) {
      if (this.beam !== undefined) this.scene.remove(this.beam.group);
      this.beam?.dispose();
      this.beam = undefined;
    } else if (this.beam === undefined) {
      this.beam = new Beam(FOUND_COLOR);
      this.scene.add(this.beam.group);
    }
  }

  /** Call when the object's fields, veils or holder changed. */
  refresh(object: SpaceObject, holder: HolderLook | undefined): void {
    const text = String(object.fields["label"] ?? "");
    const veil = object.veiled("label");
    const hidden = veil !== undefined;
    this.model.update(object.fields, hidden && !veil.mine ? "" : text);
    const note = hidden
      ? veil.mine
        ? "hidden from others"
        : undefined
      : this.found?.rank === 0
        ? this.found.why
        : holder === undefined
          ? undefined
          : `held by ${holder.name}`;
    this.label.show({
      title: hidden && !veil.mine ? "hidden by moderation" : text,
      note,
      accent: holder?.color ?? (this.found === undefined ? undefined : FOUND_COLOR),
      veiled: hidden,
      strong: this.selected || this.found !== undefined,
    });
  }

  /** Once per frame, with the transform the SDK displays. */
  frame(transform: Float64Array, eye: Vector3, nowMs: number, deltaMs: number): void {
    const [x, y, z, qx, qy, qz, qw, scale] = transform as unknown as [number, number, number, number, number, number, number, number];
    this.root.position.set(x, y, z);
    this.root.quaternion.set(qx, qy, qz, qw);
    this.root.scale.setScalar(scale > 0 ? scale : 1);
    this.model.animate?.(nowMs, deltaMs);
    const distance = eye.distanceTo(this.root.position);
    const pointedOut = this.hovered || this.selected || this.found !== undefined;
    const opacity = pointedOut ? 1 : Math.min(1, Math.max(0, (LABEL_FAR_M - distance) / (LABEL_FAR_M - LABEL_NEAR_M))) * 0.92;
    this.label.sprite.position.set(x, y + this.model.heightM - 0.04, z);
    this.label.fit(distance, opacity, pointedOut);
    this.beam?.group.position.set(x, surfaceBelow(x, y + 0.1, z), z);
    this.beam?.animate(nowMs, this.found?.rank ?? 0);
    this.edge(this.selected ? SELECT_COLOR : this.hovered ? HOVER_COLOR : this.found !== undefined ? FOUND_COLOR : undefined);
  }

  private edge(color: number | undefined): void {
    if (this.outline?.color === color) return;
    this.outline?.group.removeFromParent();
    this.outline = undefined;
    if (color === undefined) return;
    this.outline = { group: createOutline(this.model.group, color), color };
    this.model.group.add(this.outline.group);
  }

  dispose(): void {
    this.point(undefined);
    this.scene.remove(this.root, this.label.sprite);
    this.label.dispose();
    this.model.dispose();
  }
}
