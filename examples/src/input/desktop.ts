/**
 * Mouse, touch and keyboard: drag empty space to look, drag an object to carry it, click it to select it. WASD walks, arrows turn
 * and walk, E takes or lets go (in full swing it is a throw), R turns what is carried, + and -
 * scale it, the wheel moves it nearer or farther, T marks a teleport.
 *
 * [DI1] The right hand points along the cursor's ray while it carries something, and hangs at the side otherwise: others see what you do.
 * [DI2] Keys typed into form fields are never controls.
 */
import { type PerspectiveCamera, Quaternion, Ray, Vector2, Vector3 } from "three";
import { DeviceState, type Space } from "@copresence/client";
import type { ObjectViews } from "../world/object-views.ts";
import type { TeleportAim } from "../world/teleport-aim.ts";
import { Carry, type Refused } from "./carry.ts";
import { HEAD, isTyping, LEFT, RIGHT, writeDevice } from "./geometry.ts";
import { EYE_HEIGHT_M, type LocalPose, restHand } from "./local-pose.ts";
import { Keys } from "./keys.ts";

const LOOK_RAD_PER_PX = 0.0042;
const KEY_TURN_RAD_PER_MS = 0.0021;
const MAX_PITCH_RAD = 1.45;
/** Rig yaw is in 1/65536 turn. */
const RIG_YAW_RAD = (Math.PI * 2) / 65_536;
const DRAG_PX = 5;
const PICK_REACH_M = 14;
/** From the eye to the hand that carries, along the cursor's ray. */
const HAND_M = 0.5;
const SPIN_STEP_RAD = Math.PI / 8;
const SCALE_STEP = 1.15;

export type DesktopEvents = { onSelect(id: string | undefined): void; onRefused: Refused };

export class DesktopInput {
  readonly carry: Carry;
  hovered: string | undefined;
  yaw = 0;
  pitch = -0.06;
  private readonly space: Space;
  private readonly views: ObjectViews;
  private readonly aim: TeleportAim;
  private readonly events: DesktopEvents;
  private readonly camera: PerspectiveCamera;
  private readonly canvas: HTMLCanvasElement;
  private readonly keys: Keys;
  /** Cursor in normalised device coordinates; (0, 0) is the middle. */
  private readonly cursor = new Vector2();
  private readonly ray = new Ray();
  private readonly point = new Vector3();
  private readonly turn = new Quaternion();
  private press: { readonly pointer: number; x: number; y: number; readonly object: string | undefined; moved: boolean } | undefined;
  /** To be taken as soon as the hand points at it. */
  private wanted: string | undefined;
  /** What is carried was taken by this press and is let go with it. */
  private pressCarries = false;

  constructor(options: {
    space: Space;
    views: ObjectViews;
    aim: TeleportAim;
    camera: PerspectiveCamera;
    canvas: HTMLCanvasElement;
    events: DesktopEvents;
  }) {
    this.space = options.space;
    this.views = options.views;
    this.aim = options.aim;
    this.camera = options.camera;
    this.canvas = options.canvas;
    this.events = options.events;
    this.carry = new Carry(options.space, "right", options.events.onRefused);
    this.keys = new Keys();
    this.listen();
  }

  /** Fills the local pose and moves the rig. Call once per frame while no XR session runs. */
  update(local: LocalPose, deltaMs: number): void {
    this.walk(deltaMs);
    this.camera.position.set(0, EYE_HEIGHT_M, 0);
    this.camera.rotation.set(this.pitch, this.yaw, 0, "YXZ");
    this.camera.updateWorldMatrix(true, false);
    this.castRay();
    local.timeMs = undefined;
    writeDevice(local.pose, HEAD, this.camera.position, this.camera.quaternion);
    local.states[HEAD] = DeviceState.tracked;
    restHand(local, LEFT, this.yaw);
    if (this.carry.object === undefined && this.wanted === undefined) restHand(local, RIGHT, this.yaw);
    else this.pointHand(local);
    if (this.carry.object === undefined) this.hovered = this.views.pick(this.ray, PICK_REACH_M)?.id;
    this.canvas.style.cursor = this.aim.active
      ? "crosshair"
      : this.carry.object !== undefined
        ? "grabbing"
        : this.hovered !== undefined
          ? "pointer"
          : this.press === undefined
            ? "grab"
            : "grabbing";
    if (this.aim.active) this.aim.along(this.ray);
  }

  /** After `me.setPose`: the hand is where the cursor points, so the grip is right. */
  afterPose(): void {
    if (this.wanted === undefined) return;
    this.carry.take(this.wanted);
    this.wanted = undefined;
  }

  /** Turns the view towards a point of the room. */
  lookAt(point: Vector3): void {
    this.camera.parent?.updateWorldMatrix(true, true);
    const eye = this.camera.getWorldPosition(this.point);
    const [dx, dy, dz] = [point.x - eye.x, point.y - eye.y, point.z - eye.z];
    this.yaw = Math.atan2(-dx, -dz) - this.space.me.rig.yaw * RIG_YAW_RAD;
    this.pitch = Math.max(-MAX_PITCH_RAD, Math.min(MAX_PITCH_RAD, Math.atan2(dy, Math.hypot(dx, dz))));
  }

  private walk(deltaMs: number): void {
    const { keys } = this;
    this.yaw += keys.axis("ArrowRight", "ArrowLeft") * KEY_TURN_RAD_PER_MS * deltaMs;
    const x = keys.axis("KeyA", "KeyD");
    const z = keys.axis("KeyW", "KeyS") + keys.axis("ArrowUp", "ArrowDown");
    if (x !== 0 || z !== 0) this.space.me.move({ x, z: Math.max(-1, Math.min(1, z)) }, deltaMs);
  }

  private castRay(): void {
    this.ray.origin.setFromMatrixPosition(this.camera.matrixWorld);
    this.ray.direction.set(this.cursor.x, this.cursor.y, 0.5).unproject(this.camera).sub(this.ray.origin).normalize();
  }

  /** [DI1] In the play space: the rig's turn is taken out of the ray again. */
  private pointHand(local: LocalPose): void {
    const forward = this.point.set(this.cursor.x, this.cursor.y, 0.5).applyMatrix4(this.camera.projectionMatrixInverse).normalize();
    this.turn.setFromUnitVectors(FORWARD, forward).premultiply(this.camera.quaternion);
    this.point.set(0, 0, -HAND_M).applyQuaternion(this.turn).add(this.camera.position);
    writeDevice(local.pose, RIGHT, this.point, this.turn);
    local.states[RIGHT] = DeviceState.tracked;
  }

  private listen(): void {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button > 0 && event.button !== 2) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      this.moveCursor(event);
      if (this.aim.active) {
        this.aim.confirm(this.space, { x: 0, z: 0 });
        return;
      }
      // Touch has no hover: what is under the finger is known only now.
      this.castRay();
      const under = this.views.pick(this.ray, PICK_REACH_M)?.id;
      this.press = { pointer: event.pointerId, x: event.clientX, y: event.clientY, object: event.button === 2 ? undefined : under, moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      this.moveCursor(event);
      if (this.press?.pointer === event.pointerId) this.drag(this.press, event);
    });
    const end = (event: PointerEvent): void => {
      const press = this.press;
      if (press?.pointer !== event.pointerId) return;
      this.press = undefined;
      if (this.pressCarries) {
        this.wanted = undefined;
        this.carry.drop();
      } else if (!press.moved && event.type === "pointerup") this.events.onSelect(press.object);
      this.pressCarries = false;
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.carry.reel(-Math.sign(event.deltaY) * 0.18);
      },
      { passive: false },
    );
    globalThis.addEventListener("keydown", (event) => {
      if (!isTyping(event) && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat) this.key(event.code);
    });
  }

  private drag(press: NonNullable<DesktopInput["press"]>, event: PointerEvent): void {
    const far = Math.hypot(event.clientX - press.x, event.clientY - press.y);
    if (!press.moved && far < DRAG_PX) return;
    if (press.object !== undefined) {
      if (!press.moved && this.carry.object === undefined) {
        this.wanted = press.object;
        this.pressCarries = true;
      }
      press.moved = true;
      return;
    }
    press.moved = true;
    this.yaw += (event.clientX - press.x) * LOOK_RAD_PER_PX;
    this.pitch = Math.max(-MAX_PITCH_RAD, Math.min(MAX_PITCH_RAD, this.pitch + (event.clientY - press.y) * LOOK_RAD_PER_PX));
    press.x = event.clientX;
    press.y = event.clientY;
  }

  private key(code: string): void {
    if (code === "KeyE") {
      if (this.carry.object !== undefined) this.carry.drop();
      else this.wanted = this.hovered;
    } else if (code === "KeyR") this.carry.spin(SPIN_STEP_RAD);
    else if (code === "Equal" || code === "NumpadAdd") this.carry.scale(SCALE_STEP);
    else if (code === "Minus" || code === "NumpadSubtract") this.carry.scale(1 / SCALE_STEP);
    else if (code === "KeyT") {
      if (this.aim.active) this.aim.confirm(this.space, { x: 0, z: 0 });
      else this.aim.start();
    } else if (code === "Escape") {
      this.aim.cancel();
      this.carry.drop();
    }
  }

  private moveCursor(event: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    this.cursor.set(((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2);
  }
}

const FORWARD = new Vector3(0, 0, -1);
