/**
 * Keeps the drawn objects equal to `space.objects`: creates and removes views as objects come and go, refreshes the ones that changed,
 * and places every one of them each frame. Also answers what a ray or a hand touches.
 */
import { Raycaster, type Ray, type Scene, Sphere, Vector3 } from "three";
import type { Space } from "@copresence/client";
import type { ContactShadows } from "./contact-shadows.ts";
import type { Materials } from "./materials.ts";
import { type Found, type HolderLook, ObjectView } from "./object-view.ts";

export type Pick = { readonly id: string; readonly distanceM: number };

export class ObjectViews {
  readonly views = new Map<string, ObjectView>();
  private readonly space: Space;
  private readonly scene: Scene;
  private readonly materials: Materials;
  private readonly raycaster = new Raycaster();
  private readonly sphere = new Sphere();
  private readonly touch = new Vector3();

  constructor(space: Space, scene: Scene, materials: Materials) {
    this.space = space;
    this.scene = scene;
    this.materials = materials;
    for (const id of space.objects.ids()) this.refresh(id);
    space.on("object", (id) => this.refresh(id));
    space.on("held", (id) => this.refresh(id));
    space.on("resynced", () => this.refreshAll());
    // A holder's name may be known only after the lease.
    for (const event of ["joined", "left", "person"] as const) space.on(event, () => this.refreshAll());
  }

  refreshAll(): void {
    for (const id of new Set([...this.views.keys(), ...this.space.objects.ids()])) this.refresh(id);
  }

  refresh(id: string): void {
    const object = this.space.objects.get(id);
    let view = this.views.get(id);
    if (object === undefined || !object.exists) {
      view?.dispose();
      this.views.delete(id);
      return;
    }
    if (view === undefined) this.views.set(id, (view = new ObjectView(object, this.scene, this.materials)));
    view.refresh(object, this.holder(object.holder));
  }

  /** Points out search results, best first; an empty list ends it. */
  pointOut(hits: readonly { readonly object: string; readonly why: string }[]): void {
    const found = new Map<string, Found>(hits.map((hit, rank) => [hit.object, { rank, why: hit.why }]));
    for (const [id, view] of this.views) {
      view.point(found.get(id));
      this.refresh(id);
    }
  }

  /** Marks what is pointed at and what is selected. */
  mark(hovered: string | undefined, selected: string | undefined): void {
    for (const [id, view] of this.views) {
      view.hovered = id === hovered;
      const was = view.selected;
      view.selected = id === selected;
      if (was !== view.selected) this.refresh(id);
    }
  }

  frame(eye: Vector3, shadows: ContactShadows, nowMs: number, deltaMs: number): void {
    for (const [id, view] of this.views) {
      const object = this.space.objects.get(id);
      if (object === undefined) continue;
      view.frame(object.transform, eye, nowMs, deltaMs);
      const foot = view.root.position.y + view.model.centreM - (view.model.centreM > 0 ? view.model.centreM : view.model.radiusM * 0.7);
      shadows.add(view.root.position.x, foot, view.root.position.z, view.model.shadowM);
    }
  }

  /** The object a ray hits within `reachM`: its shape first, then, for small things, the nearest miss within its sphere. */
  pick(ray: Ray, reachM: number): Pick | undefined {
    let best: Pick | undefined;
    let near: (Pick & { readonly missM: number }) | undefined;
    for (const [id, view] of this.views) {
      this.sphere.center.copy(view.root.position).y += view.model.centreM;
      this.sphere.radius = view.model.radiusM * 1.1;
      const missM = ray.distanceToPoint(this.sphere.center);
      if (missM > this.sphere.radius) continue;
      const distanceM = ray.origin.distanceTo(this.sphere.center);
      if (distanceM > reachM) continue;
      if (near === undefined || missM < near.missM) near = { id, distanceM, missM };
      this.raycaster.ray.copy(ray);
      this.raycaster.far = reachM;
      const hit = this.raycaster.intersectObject(view.model.group, true).find((found) => found.object.type === "Mesh");
      if (hit !== undefined && (best === undefined || hit.distance < best.distanceM)) best = { id, distanceM: hit.distance };
    }
    return best ?? (near === undefined ? undefined : { id: near.id, distanceM: near.distanceM });
  }

  /** The object whose sphere a hand at `point` is in, or nearly. */
  near(point: Vector3, slackM: number): Pick | undefined {
    let best: Pick | undefined;
    for (const [id, view] of this.views) {
      const distanceM = this.touch
        .copy(view.root.position)
        .setY(view.root.position.y + view.model.centreM)
        .distanceTo(point);
      if (distanceM < view.model.radiusM + slackM && (best === undefined || distanceM < best.distanceM)) best = { id, distanceM };
    }
    return best;
  }

  private holder(slot: number | undefined): HolderLook | undefined {
    if (slot === undefined) return undefined;
    if (slot === this.space.me.slot) return { name: "you", color: this.space.me.color };
    const person = this.space.people.get(slot);
    return person === undefined ? undefined : { name: person.name, color: person.color };
  }
}
