/**
 * What an application gives the SDK, judged where it was written. The room takes a NaN, a rule about nothing or a wrong address for an attack or
 * for nothing at all: it strikes the session, or a promise waits for ever, and neither names the line that was wrong.
 *
 * [JU1] Everything throws a RangeError that names the argument, what it was, and what it may be; nothing has happened by then.
 */
import { type PermissionScope, type Scene, scopeFault } from "@copresence/shared/scene";
import type { ConnectOptions, GrabOptions, Hand, LinkConditions, ReleaseOptions, SpaceEvents } from "./space-types.ts";

/** A finite number within bounds. */
export function mustBeNumber(what: string, value: unknown, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): void {
  if (typeof value === "number" && Number.isFinite(value) && value >= min && value <= max) return;
  const range = min === Number.NEGATIVE_INFINITY ? "" : max === Number.POSITIVE_INFINITY ? ` from ${min}` : ` from ${min} to ${max}`;
  throw new RangeError(`${what} is ${shown(value)}; it must be a finite number${range}.`);
}

/** A list (array or typed array) of finite numbers. */
export function mustBeNumbers(what: string, value: unknown, count: number): void {
  const list = Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value as ArrayLike<unknown>) : undefined;
  if (list?.length === count && list.every(Number.isFinite)) return;
  throw new RangeError(`${what} is ${shown(value)}; it must be ${count} finite numbers, as [x, y, z${count === 4 ? ", w" : ""}].`);
}

export function mustBeString(what: string, value: unknown): void {
  if (typeof value !== "string") throw new RangeError(`${what} is ${shown(value)}; it must be a string.`);
}

const HANDS: readonly Hand[] = ["left", "right", "pointer", "both"];

export function judgeGrab(hand: Hand, { grip, scale, onDenied }: GrabOptions = {}): void {
  if (!HANDS.includes(hand)) throw new RangeError(`grab: hand is ${shown(hand)}; it must be one of ${HANDS.join(", ")}.`);
  if (scale !== undefined) mustBeNumber("grab: scale", scale, 0);
  if (onDenied !== undefined && typeof onDenied !== "function") throw new RangeError(`grab: onDenied is ${shown(onDenied)}; it must be a function.`);
  if (grip === undefined) return;
  mustBeNumbers("grab: grip.position", grip.position, 3);
  mustBeNumbers("grab: grip.rotation", grip.rotation, 4);
  const norm = Math.hypot(...grip.rotation);
  if (Math.abs(norm - 1) > 0.01) throw new RangeError(`grab: grip.rotation has the length ${norm}; it must be a unit quaternion.`);
}

export function judgeRelease({ velocity, spin }: ReleaseOptions): void {
  if (velocity !== undefined) mustBeNumbers("release: velocity", velocity, 3);
  if (spin !== undefined) mustBeNumbers("release: spin", spin, 3);
}

const EVENTS: Readonly<Record<keyof SpaceEvents, true>> = {
  status: true,
  saved: true,
  joined: true,
  left: true,
  person: true,
  chat: true,
  object: true,
  held: true,
  denied: true,
  storage: true,
  measure: true,
  permissions: true,
  merged: true,
  offline: true,
  resynced: true,
};

/** Nobody would ever call a listener of an event that is none. */
export function judgeListener(event: string, listener: unknown): void {
  if (!Object.hasOwn(EVENTS, event)) throw new RangeError(`There is no event ${shown(event)}; there are ${Object.keys(EVENTS).join(", ")}.`);
  if (typeof listener !== "function") throw new RangeError(`The listener of "${event}" is ${shown(listener)}; it must be a function.`);
}

const WORST: LinkConditions = { latencyMs: 5000, jitterMs: 5000, lossPct: 100 };

export function judgeLink(conditions: LinkConditions): void {
  for (const [name, most] of Object.entries(WORST)) mustBeNumber(`link: ${name}`, conditions[name as keyof LinkConditions], 0, most);
}

/** A wall-clock time, or undefined. A rollback since "yesterday" would be one since ever. */
export function judgeSince(since: number | Date | undefined): void {
  const ms = since instanceof Date ? since.getTime() : since;
  if (ms !== undefined && !Number.isFinite(ms)) throw new RangeError(`since is ${shown(since)}; it must be a Date or milliseconds.`);
}

export function judgeScope(scene: Scene | undefined, scope: PermissionScope): void {
  const fault = scene === undefined ? undefined : scopeFault(scene, scope);
  if (fault !== undefined) throw new RangeError(`permissions.set: ${fault}.`);
}

type Joining = Pick<ConnectOptions, "url" | "space" | "ticket" | "scene" | "link" | "uplinkHz" | "patienceMs">;

/** What `connect` is given, apart from what has a judge of its own (`quality`). */
export function judgeConnect({ url, space, ticket, scene, link, uplinkHz, patienceMs }: Joining): void {
  if (typeof url !== "string" || !URL.canParse(url))
    throw new RangeError(`connect: url is ${shown(url)}; it must be an address like https://host:2567.`);
  // Its letters come from people, in links, and are the server's to refuse with a code that an application can show.
  if (typeof space !== "string") throw new RangeError(`connect: space is ${shown(space)}; it must be the name of a space.`);
  if (typeof ticket !== "string" && typeof ticket !== "function")
    throw new RangeError(`connect: ticket is ${shown(ticket)}; it must be a ticket, or a function that fetches one.`);
  if (scene !== undefined && typeof scene.hash !== "string") throw new RangeError("connect: scene is not what defineScene returned.");
  if (link !== undefined) judgeLink(link);
  if (uplinkHz !== undefined) mustBeNumber("connect: uplinkHz", uplinkHz, 0);
  if (patienceMs !== undefined) mustBeNumber("connect: patienceMs", patienceMs, 0);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value === "function") return "a function";
  const list = ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<unknown>) : value;
  return typeof list === "object" && list !== null && !(list instanceof Date)
    ? Array.isArray(list)
      ? `[${list.slice(0, 8).map(String).join(", ")}]`
      : `{ ${Object.keys(list).slice(0, 8).join(", ")} }`
    : String(list);
}
