/** Plain vectors at the edges of the API. Right-handed, +Y up, -Z forward (WebXR), metres. Hot paths use typed arrays. */
export type Vec3 = readonly [x: number, y: number, z: number];
/** Unit quaternion, x y z w. */
export type Quat = readonly [x: number, y: number, z: number, w: number];
export type Transform = { readonly position: Vec3; readonly rotation: Quat };

export const IDENTITY_QUAT: Quat = [0, 0, 0, 1];
