/**
 * `attachThree`: puts a space's people into a three.js scene, and the person before the screen into the space.
 *
 * [AT1] One call per frame, `update`, does all of it: measure, exchange, place the rig, draw the others. In a headset the pose comes from
 *       WebXR, otherwise from the camera.
 * [AT2] The camera stands below `rig`, which follows `me.origin`: the application moves people with `me.move` and `me.teleport` only.
 * [AT3] What was added to the scene is taken out again by `dispose`.
 */
import { type Camera, Group, type Object3D, Quaternion, Vector3 } from "three";
import { DeviceState } from "@copresence/shared/pose";
import type { RemotePerson, Space } from "../../core/space-types.ts";
import { followXrVisibility, XrBody, type XrFrameLike, type XrSessionLike } from "../webxr.ts";
import { type Avatar, DefaultAvatar } from "./avatar.ts";

/** The parts of `WebGLRenderer` (or `WebGPURenderer`) that are used. */
export type XrRenderer = {
  readonly xr: {
    readonly isPresenting: boolean;
    getFrame(): any;
    getReferenceSpace(): any;
    getSession(): any;
    addEventListener(type: any, listener: any): void;
    removeEventListener(type: any, listener: any): void;
  };
};

export type AttachOptions = {
  readonly renderer: XrRenderer;
  /** Where avatars go. */
  readonly scene: Object3D;
  /** Moved below the rig; without a headset it is the head. Leave out to drive `me.setPose` yourself. */
  readonly camera?: Camera | undefined;
  /** Makes people look as you like. Default: a head with a visor, hands, a name. */
  readonly createAvatar?: ((person: RemotePerson) => Avatar) | undefined;
  /** False: the application calls `me.setPose` itself, in a headset too. Default true. */
  readonly measure?: boolean | undefined;
};

export type Attached = {
  /** My play space in the room. Put controllers, rays and hand models here, beside the camera. */
  readonly rig: Group;
  /** The avatars of everybody who is here. */
  readonly avatars: ReadonlyMap<RemotePerson, Avatar>;
  /** In the animation loop, before rendering. `nowMs` is the loop's time stamp. */
  update(nowMs?: number): void;
  dispose(): void;
};

export function attachThree(space: Space, options: AttachOptions): Attached {
  return new ThreeSpace(space, options);
}

class ThreeSpace implements Attached {
  readonly rig = new Group();
  readonly avatars = new Map<RemotePerson, Avatar>();
  private readonly space: Space;
  private readonly options: AttachOptions;
  private readonly body = new XrBody();
  private readonly stops: (() => void)[];
  private stopVisibility: (() => void) | undefined;
  private readonly at = new Vector3();
  private readonly turn = new Quaternion();

  constructor(space: Space, options: AttachOptions) {
    this.space = space;
    this.options = options;
    const { scene, camera, renderer } = options;
    scene.add(this.rig);
    if (camera !== undefined) this.rig.add(camera);
    for (const person of space.people) this.add(person);
    const onSession = (): void => {
      this.stopVisibility?.();
      const session = renderer.xr.getSession() as XrSessionLike | null;
      this.stopVisibility = session === null ? undefined : followXrVisibility(session, space);
    };
    renderer.xr.addEventListener("sessionstart", onSession);
    this.stops = [
      space.on("joined", (person) => this.add(person)),
      space.on("left", (person) => this.remove(person)),
      space.on("person", (person) => this.avatars.get(person)?.changed?.(person)),
      () => renderer.xr.removeEventListener("sessionstart", onSession),
    ];
    if (renderer.xr.isPresenting) onSession();
    this.placeRig();
  }

  update(nowMs?: number): void {
    if (this.options.measure !== false) this.measure();
    this.space.frame(nowMs);
    this.placeRig();
    for (const [person, avatar] of this.avatars) avatar.update(person);
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    this.stopVisibility?.();
    for (const person of this.avatars.keys()) this.remove(person);
    this.rig.removeFromParent();
  }

  private measure(): void {
    const { renderer, camera } = this.options;
    const frame = renderer.xr.isPresenting ? (renderer.xr.getFrame() as XrFrameLike | null | undefined) : undefined;
    const reference = renderer.xr.getReferenceSpace() as object | null | undefined;
    if (frame !== undefined && frame !== null && reference !== undefined && reference !== null) {
      this.body.apply(frame, reference, this.space);
    } else if (camera !== undefined && !renderer.xr.isPresenting) this.measureCamera(camera);
  }

  /** At a desk the camera is the head, and there are no hands to show. */
  private measureCamera(camera: Camera): void {
    const { pose, states } = this.body;
    camera.updateMatrix();
    camera.matrix.decompose(this.at, this.turn, new Vector3());
    pose.set([this.at.x, this.at.y, this.at.z, this.turn.x, this.turn.y, this.turn.z, this.turn.w]);
    // The room wants hands near their head, tracked or not.
    for (const [device, side] of [
      [1, -1],
      [2, 1],
    ] as const) {
      this.at
        .set(0.22 * side, -0.45, -0.25)
        .applyQuaternion(this.turn)
        .add(camera.position);
      pose.set([this.at.x, this.at.y, this.at.z, this.turn.x, this.turn.y, this.turn.z, this.turn.w], device * 7);
    }
    states.set([DeviceState.tracked, DeviceState.lost, DeviceState.lost]);
    this.space.me.setPose(pose, states);
  }

  private placeRig(): void {
    const { origin } = this.space.me;
    this.rig.position.set(origin[0] as number, origin[1] as number, origin[2] as number);
    this.rig.quaternion.set(origin[3] as number, origin[4] as number, origin[5] as number, origin[6] as number);
    this.rig.updateMatrixWorld();
  }

  private add(person: RemotePerson): void {
    if (this.avatars.has(person)) return;
    const avatar = this.options.createAvatar?.(person) ?? new DefaultAvatar(person);
    this.avatars.set(person, avatar);
    this.options.scene.add(avatar.object);
  }

  private remove(person: RemotePerson): void {
    const avatar = this.avatars.get(person);
    if (avatar === undefined) return;
    this.avatars.delete(person);
    avatar.object.removeFromParent();
    avatar.dispose();
  }
}
