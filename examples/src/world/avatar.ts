/**
 * How people look in the workshop: a rounded head with a visor and two eyes, a robe that hangs from it, mittens or fingers, a name. Few triangles and
 * one material per person, so that a crowd stays cheap; plugged into `attachThree` through `createAvatar`.
 *
 * Parts that are not in the person's colour darken or lighten it by vertex colour, which is why everything fits into one material.
 */
import { BufferAttribute, type BufferGeometry, CapsuleGeometry, Color, Group, LatheGeometry, Mesh, SphereGeometry, Vector2 } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";
import { DeviceState, type RemotePerson } from "@copresence/client";
import { type Avatar, JointedHand, NameTag } from "@copresence/client/three";
import { headingOf, readDevice } from "../input/geometry.ts";
import type { Materials, TintedMaterial } from "./materials.ts";

const TAG_ABOVE_M = 0.27;
/** From the eyes to the shoulders, and how far above the floor the robe ends. */
const SHOULDERS_M = 0.2;
const HEM_M = 0.3;
const ROBE_M = 1.1;

/** A factory for `attachThree`'s `createAvatar`. */
export function avatarMaker(materials: Materials): (person: RemotePerson) => Avatar {
  const shapes = { head: headShape(), robe: robeShape(), hands: [handShape(1), handShape(-1)] as const };
  return (person) => new WorkshopAvatar(person, materials, shapes);
}

type Shapes = { readonly head: BufferGeometry; readonly robe: BufferGeometry; readonly hands: readonly [BufferGeometry, BufferGeometry] };

class WorkshopAvatar implements Avatar {
  readonly object = new Group();
  private readonly material: TintedMaterial;
  private readonly head: Mesh;
  private readonly robe: Mesh;
  private readonly hands: readonly [Mesh, Mesh];
  /** Drawn instead of a mitten while its joints come. Their bones have no vertex colours, so the material is their own. */
  private readonly fingers: (JointedHand | undefined)[] = [undefined, undefined];
  private readonly skin: TintedMaterial;
  private tag: NameTag | undefined;
  private named = "";

  constructor(person: RemotePerson, materials: Materials, shapes: Shapes) {
    this.material = materials.own({ color: person.color, rough: 0.6, vertexColors: true });
    this.skin = materials.own({ color: person.color, rough: 0.6 });
    this.head = new Mesh(shapes.head, this.material);
    this.robe = new Mesh(shapes.robe, this.material);
    this.hands = [new Mesh(shapes.hands[0], this.material), new Mesh(shapes.hands[1], this.material)];
    this.object.add(this.head, this.robe, ...this.hands);
    this.object.visible = false;
    this.changed(person);
  }

  update(person: RemotePerson): void {
    this.object.visible = person.visible;
    if (!person.visible) return;
    const { pose, states } = person;
    readDevice(pose, 0, this.head.position, this.head.quaternion);
    for (const [i, hand] of this.hands.entries()) {
      readDevice(pose, i + 1, hand.position, hand.quaternion);
      const joints = person.hands[i];
      this.fingersOf(i, joints !== undefined)?.update(joints);
      hand.visible = joints === undefined && states[i + 1] !== DeviceState.lost;
    }
    const { x, y, z } = this.head.position;
    this.robe.position.set(x, y - SHOULDERS_M, z);
    this.robe.rotation.y = headingOf(this.head.quaternion);
    // A crouching person's robe gets shorter, not buried.
    this.robe.scale.y = Math.min(1.15, Math.max(0.2, (y - SHOULDERS_M - HEM_M) / ROBE_M));
    this.tag?.object.position.set(x, y + TAG_ABOVE_M, z);
  }

  changed(person: RemotePerson): void {
    this.material.color.setHex(person.color);
    this.skin.color.setHex(person.color).lerp(new Color(0xffffff), 0.2);
    const named = `${person.color} ${person.name}`;
    if (named === this.named) return;
    this.named = named;
    this.tag?.dispose();
    this.tag = NameTag.make(person.name, person.color);
    if (this.tag !== undefined) this.object.add(this.tag.object);
  }

  dispose(): void {
    this.object.removeFromParent();
    this.tag?.dispose();
    for (const fingers of this.fingers) fingers?.dispose();
    this.material.dispose();
    this.skin.dispose();
  }

  private fingersOf(i: number, wanted: boolean): JointedHand | undefined {
    const known = this.fingers[i];
    if (known !== undefined || !wanted) return known;
    const made = new JointedHand(this.skin);
    this.fingers[i] = made;
    this.object.add(made.object);
    return made;
  }
}

/** `shade` multiplies the person's colour: below 1 darker, above lighter. */
function shaded(geometry: BufferGeometry, shade: number): BufferGeometry {
  const flat = geometry.index === null ? geometry : geometry.toNonIndexed();
  flat.deleteAttribute("uv");
  const tone = new Color(shade, shade, shade);
  const colors = new Float32Array(flat.getAttribute("position").count * 3);
  for (let i = 0; i < colors.length; i += 3) tone.toArray(colors, i);
  return flat.setAttribute("color", new BufferAttribute(colors, 3));
}

function headShape(): BufferGeometry {
  const skull = new SphereGeometry(0.125, 20, 14).scale(0.94, 1.08, 1);
  const visor = new SphereGeometry(0.128, 14, 6, Math.PI * 1.14, Math.PI * 0.72, Math.PI * 0.33, Math.PI * 0.27).scale(0.94, 1.08, 1);
  const eye = (side: number): BufferGeometry => new CapsuleGeometry(0.011, 0.02, 2, 8).translate(side * 0.042, 0.012, -0.126);
  return mergeGeometries([shaded(skull, 1.35), shaded(visor, 0.06), shaded(eye(-1), 4), shaded(eye(1), 4)]);
}

/** Hangs down from the shoulders at the origin; length ROBE_M. */
function robeShape(): BufferGeometry {
  const outline = [
    [0.0, 0.07],
    [0.06, 0.05],
    [0.135, -0.03],
    [0.165, -0.14],
    [0.15, -0.42],
    [0.17, -0.75],
    [0.215, -1.08],
    [0.19, -1.1],
    [0.0, -1.02],
  ] as const;
  // Lathes grow upwards: from the hem to the neck the faces look outwards.
  const robe = new LatheGeometry(outline.map(([radius, y]) => new Vector2(radius, y)).reverse(), 18);
  return shaded(robe.scale(1.12, 1, 0.82), 0.82);
}

/** `side`: 1 left, -1 right; the thumb points to the other hand. -Z is along the fingers. */
function handShape(side: 1 | -1): BufferGeometry {
  const palm = new CapsuleGeometry(0.036, 0.06, 3, 10).rotateX(Math.PI / 2).scale(1, 0.62, 1);
  const thumb = new CapsuleGeometry(0.014, 0.032, 2, 8)
    .rotateX(Math.PI / 2.4)
    .rotateY(-0.7 * side)
    .translate(0.036 * side, 0.01, -0.01);
  return mergeGeometries([shaded(palm, 1.25), shaded(thumb, 1.25)]);
}
