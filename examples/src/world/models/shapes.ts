/** Short ways to put meshes together; positions in metres, rotations in radians (XYZ). */
import { type BufferGeometry, type Material, Mesh, type Object3D } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";

export function put(
  parent: Object3D,
  geometry: BufferGeometry,
  material: Material,
  position: readonly [number, number, number] = [0, 0, 0],
  rotation: readonly [number, number, number] = [0, 0, 0],
): Mesh {
  const mesh = new Mesh(geometry, material);
  mesh.position.set(...position);
  mesh.rotation.set(...rotation);
  parent.add(mesh);
  return mesh;
}

/** Frees the geometries below `root`; materials are shared or belong to the model. */
export function disposeGeometries(root: Object3D): void {
  root.traverse((child) => {
    if (child instanceof Mesh) child.geometry.dispose();
  });
}

/** Moves `value` towards `goal`: the same feel at any frame rate. `halfLifeMs`: time in which half of the way is gone. */
export const ease = (value: number, goal: number, deltaMs: number, halfLifeMs: number): number =>
  goal + (value - goal) * 0.5 ** (deltaMs / halfLifeMs);

/** Merges the meshes directly below `parent` that share a material: a model of thirty parts then costs a few draw calls. Returns `parent`. */
export function fuse<T extends Object3D>(parent: T): T {
  const byMaterial = new Map<Material, Mesh[]>();
  for (const child of parent.children) {
    if (!(child instanceof Mesh) || Array.isArray(child.material)) continue;
    const same = byMaterial.get(child.material);
    if (same === undefined) byMaterial.set(child.material, [child]);
    else same.push(child);
  }
  for (const [material, meshes] of byMaterial) {
    if (meshes.length < 2) continue;
    const geometries = meshes.map((mesh) => {
      mesh.updateMatrix();
      const geometry: BufferGeometry = mesh.geometry.index === null ? mesh.geometry.clone() : mesh.geometry.toNonIndexed();
      mesh.geometry.dispose();
      return geometry.applyMatrix4(mesh.matrix);
    });
    parent.remove(...meshes);
    parent.add(new Mesh(mergeGeometries(geometries), material));
  }
  return parent;
}
