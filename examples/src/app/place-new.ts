/** Where a new object appears: in front of the person, at a comfortable height, facing them. */
import { Quaternion, Vector3 } from "three";
import type { Space } from "@copresence/client";
import { headingOf, readDevice } from "../input/geometry.ts";
import { SWATCHES } from "../world/palette.ts";

const AWAY_M = 1.3;
const BELOW_EYE_M = 0.55;
/** Types that stand on the floor. */
const STANDING = new Set(["banner"]);
const ON: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { lamp: { on: true }, globe: { spinning: true } };

/** Creates the object and returns its id. */
export function placeNew(space: Space, type: string): string {
  const head = new Vector3();
  const rotation = new Quaternion();
  readDevice(space.me.pose, 0, head, rotation);
  const heading = headingOf(rotation);
  const y = STANDING.has(type) ? 0 : Math.max(0.3, head.y - BELOW_EYE_M);
  const fields: Record<string, unknown> = {
    ...ON[type],
    label: `${space.me.name}'s ${type}`,
    transform: {
      position: [head.x - Math.sin(heading) * AWAY_M, y, head.z - Math.cos(heading) * AWAY_M],
      rotation: [0, Math.sin(heading / 2), 0, Math.cos(heading / 2)],
      scale: 1,
    },
  };
  if (["lamp", "crate", "gear", "banner"].includes(type)) fields["color"] = SWATCHES[Math.floor(Math.random() * SWATCHES.length)];
  return space.objects.create(type, fields as never).id;
}
