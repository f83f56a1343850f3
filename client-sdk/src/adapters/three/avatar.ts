/**
 * The default avatar: a head with a visor, mittens for hands (fingers where their joints come), a hint of a body, a name above. In the person's own colour.
 *
 * [AV1] Everything is posed in the room's frame below one group, so an application can move, fade or replace the whole.
 * [AV2] Geometries are shared by all avatars; materials are per person, because colours are.
 * [AV3] A hand that is not tracked is not shown: a hand in the wrong place says more than none.
 */
import { CapsuleGeometry, Color, Group, Mesh, MeshStandardMaterial, type Object3D, SphereGeometry } from "three";
import { DEVICE_FLOATS, DeviceState } from "@copresence/shared/pose";
import type { RemotePerson } from "../../core/space-types.ts";
import { JointedHand } from "./jointed-hand.ts";
import { NameTag } from "./name-tag.ts";

/** What `attachThree` needs of an avatar; give your own factory to replace the default. */
export type Avatar = {
  /** Added to the scene while the person is here. */
  readonly object: Object3D;
  /** Once per frame: pose and states are the person's own arrays. */
  update(person: RemotePerson): void;
  /** Name, colour or role changed. */
  changed?(person: RemotePerson): void;
  dispose(): void;
};

const HEAD_RADIUS_M = 0.12;
const TAG_ABOVE_M = 0.3;
const BODY_BELOW_M = 0.42;

const headGeometry = new SphereGeometry(HEAD_RADIUS_M, 32, 24);
const visorGeometry = new SphereGeometry(HEAD_RADIUS_M * 1.02, 32, 16, Math.PI * 1.17, Math.PI * 0.66, Math.PI * 0.36, Math.PI * 0.24);
const handGeometry = new CapsuleGeometry(0.038, 0.055, 6, 16);
const thumbGeometry = new CapsuleGeometry(0.015, 0.03, 4, 10);
const bodyGeometry = new CapsuleGeometry(0.15, 0.26, 8, 24);

export class DefaultAvatar implements Avatar {
  readonly object = new Group();
  private readonly head = new Group();
  private readonly hands: readonly [Group, Group];
  private readonly fingers: (JointedHand | undefined)[] = [undefined, undefined];
  private readonly body: Mesh;
  private readonly skin = new MeshStandardMaterial({ roughness: 0.55 });
  private readonly cloth = new MeshStandardMaterial({ roughness: 0.9 });
  private readonly visor = new MeshStandardMaterial({ color: 0x11151c, roughness: 0.12, metalness: 0.4 });
  private tag: NameTag | undefined;

  constructor(person: RemotePerson) {
    const skull = new Mesh(headGeometry, this.skin);
    skull.scale.set(0.92, 1.1, 1);
    const glass = new Mesh(visorGeometry, this.visor);
    glass.scale.copy(skull.scale);
    this.head.add(skull, glass);
    this.body = new Mesh(bodyGeometry, this.cloth);
    this.body.scale.set(1.15, 1, 0.75);
    this.hands = [this.makeHand(1), this.makeHand(-1)];
    this.object.add(this.head, this.body, ...this.hands);
    this.object.traverse((part) => (part.castShadow = true));
    this.object.visible = false;
    this.changed(person);
  }

  update(person: RemotePerson): void {
    this.object.visible = person.visible;
    if (!person.visible) return;
    const { pose, states } = person;
    place(this.head, pose, 0);
    for (const [i, hand] of this.hands.entries()) {
      const joints = person.hands[i];
      this.fingersOf(i, joints !== undefined)?.update(joints);
      hand.visible = joints === undefined && states[i + 1] !== DeviceState.lost;
      place(hand, pose, (i + 1) * DEVICE_FLOATS);
    }
    this.head.visible = states[0] !== DeviceState.lost;
    // The body hangs below the head and turns with it about the vertical axis only.
    this.body.position.set(pose[0] as number, (pose[1] as number) - BODY_BELOW_M, pose[2] as number);
    const { x, y, z, w } = this.head.quaternion;
    this.body.rotation.set(0, Math.atan2(2 * (w * y + x * z), 1 - 2 * (x * x + y * y)), 0);
    this.tag?.object.position.set(pose[0] as number, (pose[1] as number) + TAG_ABOVE_M, pose[2] as number);
  }

  changed(person: RemotePerson): void {
    const color = new Color(person.color);
    this.skin.color.copy(color).lerp(new Color(0xffffff), 0.25);
    this.cloth.color.copy(color).multiplyScalar(0.7);
    this.tag?.dispose();
    this.tag = NameTag.make(person.name, person.color);
    if (this.tag !== undefined) this.object.add(this.tag.object);
  }

  dispose(): void {
    this.object.removeFromParent();
    this.tag?.dispose();
    for (const fingers of this.fingers) fingers?.dispose();
    for (const material of [this.skin, this.cloth, this.visor]) material.dispose();
  }

  /** Made when the first joints come: most people have none. */
  private fingersOf(i: number, wanted: boolean): JointedHand | undefined {
    const known = this.fingers[i];
    if (known !== undefined || !wanted) return known;
    const made = new JointedHand(this.skin);
    this.fingers[i] = made;
    this.object.add(made.object);
    return made;
  }

  /** `side`: 1 left, -1 right; the thumb points to the other hand. Grip space: -Z along the pointing fingers. */
  private makeHand(side: 1 | -1): Group {
    const hand = new Group();
    const palm = new Mesh(handGeometry, this.skin);
    palm.rotation.x = Math.PI / 2;
    palm.scale.set(1, 1, 0.62);
    const thumb = new Mesh(thumbGeometry, this.skin);
    thumb.position.set(0.036 * side, 0.012, -0.008);
    thumb.rotation.set(Math.PI / 2.6, 0, -0.7 * side);
    hand.add(palm, thumb);
    return hand;
  }
}

function place(object: Object3D, pose: Float64Array, at: number): void {
  object.position.set(pose[at] as number, pose[at + 1] as number, pose[at + 2] as number);
  object.quaternion.set(pose[at + 3] as number, pose[at + 4] as number, pose[at + 5] as number, pose[at + 6] as number);
}
