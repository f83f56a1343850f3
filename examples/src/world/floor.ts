/**
 * The deck people stand on: a round floor with a fine metre grid near the viewer, an inlaid compass ring, and warm pools of light. One
 * quad-cheap shader; lines are antialiased by the screen-space derivative and fade where they would shimmer.
 */
import { CircleGeometry, Color, Mesh, ShaderMaterial } from "three";
import { PALETTE } from "./palette.ts";

export const DECK_RADIUS_M = 10;

const vertex = /* glsl */ `
  varying vec3 world;
  void main() {
    vec4 at = modelMatrix * vec4(position, 1.0);
    world = at.xyz;
    gl_Position = projectionMatrix * viewMatrix * at;
  }`;
const fragment = /* glsl */ `
  uniform vec3 deck, line, inlay, haze;
  varying vec3 world;
  float stripe(float value, float width) {
    float d = abs(fract(value - 0.5) - 0.5);
    float w = fwidth(value);
    return (1.0 - smoothstep(width, width + w * 1.5, d)) * clamp(1.0 - w * 2.5, 0.0, 1.0);
  }
  float ring(float r, float at, float width) {
    float w = fwidth(r);
    return 1.0 - smoothstep(width, width + w * 1.5, abs(r - at));
  }
  void main() {
    vec2 p = world.xz;
    float r = length(p);
    float far = distance(world, cameraPosition);
    vec3 color = deck * (0.5 + 0.5 * smoothstep(10.0, 1.0, r));
    vec2 tile = floor(p);
    color *= 0.94 + 0.12 * fract(sin(dot(tile, vec2(27.17, 91.3))) * 431.7);
    float grid = max(stripe(p.x, 0.003), stripe(p.y, 0.003));
    color += line * grid * 0.15 * (1.0 - smoothstep(4.0, 13.0, far));
    float around = atan(p.x, p.y) / 6.2831853;
    float ticks = stripe(around * 48.0, 0.035) * step(2.08, r) * step(r, 2.2) * step(0.001, r);
    float inlays = ring(r, 2.05, 0.012) + ring(r, 2.24, 0.006) + ticks * 0.7 + ring(r, 9.72, 0.03) * 0.8;
    color += inlay * inlays * 0.32;
    float bench = exp(-dot((p - vec2(0.0, -3.9)) * vec2(0.42, 0.62), (p - vec2(0.0, -3.9)) * vec2(0.42, 0.62)));
    color += inlay * bench * 0.17;
    color += vec3(0.10, 0.13, 0.26) * exp(-r * r * 0.05) * 0.35;
    color *= 1.0 - 0.5 * exp(-max(0.0, abs(p.x) - 1.7) * 5.0 - max(0.0, abs(p.y + 4.5) - 0.45) * 5.0);
    color = mix(color, haze, smoothstep(14.0, 60.0, far) * 0.8);
    gl_FragColor = vec4(color, 1.0);
    #include <tonemapping_fragment>
    #include <colorspace_fragment>
  }`;

export function createFloor(): Mesh {
  const uniforms = {
    deck: { value: new Color(PALETTE.deck) },
    line: { value: new Color(PALETTE.deckLine) },
    inlay: { value: new Color(PALETTE.inlay) },
    haze: { value: new Color(PALETTE.haze) },
  };
  const floor = new Mesh(new CircleGeometry(DECK_RADIUS_M, 96), new ShaderMaterial({ vertexShader: vertex, fragmentShader: fragment, uniforms }));
  floor.rotation.x = -Math.PI / 2;
  floor.updateMatrix();
  floor.matrixAutoUpdate = false;
  floor.name = "deck";
  return floor;
}
