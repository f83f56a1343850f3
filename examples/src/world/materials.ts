/**
 * Materials of things that move. `high` quality shades physically and reflects the sky; `low` is Lambert, which a software renderer can
 * afford. Materials are shared per description, so a hundred crates cost one.
 */
import { Color, type Material, MeshLambertMaterial, MeshStandardMaterial } from "three";
import type { Quality } from "./stage.ts";

/** An evening sky gives full metals nothing bright to mirror: they would be black. */
const METAL_IN_DUSK = 0.55;

type Look = {
  readonly color: number;
  readonly metal?: number;
  readonly rough?: number;
  readonly glow?: number;
  readonly opacity?: number;
  readonly flat?: boolean;
  readonly vertexColors?: boolean;
};
export type Materials = {
  /** A shared material; never change it. */
  of(look: Look): Material;
  /** A material of one object's own, whose colour changes; dispose it with the object. */
  own(look: Look): TintedMaterial;
};
export type TintedMaterial = MeshLambertMaterial | MeshStandardMaterial;

export function createMaterials(quality: Quality): Materials {
  const shared = new Map<string, Material>();
  const own = (look: Look): TintedMaterial => {
    const common = {
      color: new Color(look.color),
      emissive: new Color(look.color).multiplyScalar(look.glow ?? 0),
      flatShading: look.flat ?? false,
      transparent: look.opacity !== undefined,
      opacity: look.opacity ?? 1,
      vertexColors: look.vertexColors ?? false,
    };
    return quality === "low"
      ? new MeshLambertMaterial(common)
      : new MeshStandardMaterial({ ...common, metalness: (look.metal ?? 0) * METAL_IN_DUSK, roughness: look.rough ?? 0.65 });
  };
  return {
    own,
    of(look) {
      const key = JSON.stringify(look);
      let material = shared.get(key);
      if (material === undefined) shared.set(key, (material = own(look)));
      return material;
    },
  };
}

/** Gives a tinted material another colour, and a glow of `glow` times it. */
export function tint(material: TintedMaterial, color: number, glow = 0): void {
  material.color.setHex(color);
  material.emissive.setHex(color).multiplyScalar(glow);
}
