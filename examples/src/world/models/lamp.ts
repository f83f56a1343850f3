/** A lantern: brass base and cap, four rods, a core that shines in `color` while `on`, with a soft glow around it. */
import { AdditiveBlending, CylinderGeometry, Group, SphereGeometry, Sprite, SpriteMaterial, TorusGeometry } from "three";
import type { ModelMaker } from "../models.ts";
import { asColor } from "../models.ts";
import { tint } from "../materials.ts";
import { glowTexture } from "../textures.ts";
import { disposeGeometries, ease, fuse, put } from "./shapes.ts";

export const lamp: ModelMaker = (materials) => {
  const group = new Group();
  const brass = materials.of({ color: 0xb08a4a, metal: 0.9, rough: 0.34 });
  const dark = materials.of({ color: 0x2b3040, metal: 0.6, rough: 0.5 });
  const core = materials.own({ color: 0xffb35c, glow: 1 });
  put(group, new CylinderGeometry(0.1, 0.115, 0.04, 24), brass, [0, 0.02, 0]);
  put(group, new CylinderGeometry(0.075, 0.085, 0.03, 24), dark, [0, 0.055, 0]);
  put(group, new SphereGeometry(0.066, 14, 10), core, [0, 0.155, 0]).scale.y = 1.2;
  for (let rod = 0; rod < 4; rod++) {
    const turn = ((rod + 0.5) / 4) * Math.PI * 2;
    put(group, new CylinderGeometry(0.006, 0.006, 0.2, 6), brass, [Math.sin(turn) * 0.08, 0.16, Math.cos(turn) * 0.08]);
  }
  put(group, new CylinderGeometry(0.035, 0.1, 0.06, 24), brass, [0, 0.285, 0]);
  put(group, new TorusGeometry(0.05, 0.007, 5, 16), dark, [0, 0.36, 0]);
  fuse(group);
  const glow = new Sprite(new SpriteMaterial({ map: glowTexture(), blending: AdditiveBlending, transparent: true, depthWrite: false }));
  glow.position.y = 0.155;
  // A glow is not a thing one can point at.
  glow.raycast = () => undefined;
  group.add(glow);

  let color = 0xffb35c;
  let goal = 0;
  let shine = 0;
  return {
    group,
    heightM: 0.52,
    centreM: 0.17,
    radiusM: 0.22,
    shadowM: 0.36,
    update(fields) {
      color = asColor(fields["color"], 0xffb35c);
      goal = fields["on"] === true ? 1 : 0;
    },
    animate(nowMs, deltaMs) {
      shine = ease(shine, goal, deltaMs, 70);
      const flicker = 1 + Math.sin(nowMs * 0.0061 + color) * 0.03;
      tint(core, color, (0.06 + shine * 1.5) * flicker);
      glow.material.color.setHex(color);
      glow.material.opacity = shine * 0.62 * flicker;
      glow.scale.setScalar(0.75 + shine * 0.35);
      glow.visible = shine > 0.01;
    },
    dispose() {
      disposeGeometries(group);
      core.dispose();
      glow.material.dispose();
    },
  };
};
