/** The scene is valid by being defined; what it starts with must fit it. */
import { describe, expect, it } from "vitest";
import { initialObjects, workshop } from "./workshop.ts";

describe("the workshop", () => {
  it("starts with objects of declared types and fields, each under its own id", () => {
    expect(new Set(initialObjects.map(({ id }) => id)).size).toBe(initialObjects.length);
    for (const { id, type, fields } of initialObjects) {
      const spec: Readonly<Record<string, unknown>> | undefined = workshop.objects[type as keyof typeof workshop.objects];
      expect(spec, `${id} has the undeclared type ${type}`).toBeDefined();
      for (const name of Object.keys(fields)) expect(spec, `${id}.${name}`).toHaveProperty(name);
    }
  });

  it("starts with everything inside its bounds and upright", () => {
    const { min, max } = workshop.bounds;
    for (const { id, fields } of initialObjects) {
      const { position, rotation } = fields["transform"] as { position: number[]; rotation: number[] };
      for (let axis = 0; axis < 3; axis++) {
        expect(position[axis], id).toBeGreaterThanOrEqual(min[axis] as number);
        expect(position[axis], id).toBeLessThanOrEqual(max[axis] as number);
      }
      expect(Math.hypot(...rotation), id).toBeCloseTo(1, 9);
    }
  });
});
