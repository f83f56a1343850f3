/**
 * The life of a session, as a pure machine: `step(state, event, now, dice) -> state and what to do`. No clock, no sockets.
 *
 * [SM1] The table names every phase and every event: the compiler refuses a machine with a hole.
 * [SM2] `closed` is final.
 * [SM3] A retry waits `backoff(attempt)`: exponential from 250 ms, capped at 8 s (30 s asleep), with half of it jittered so that a
 *       restarted server is not met by everybody at once (PROMISES P12).
 * [SM4] Sleep and link are independent: a sleeping headset keeps or quietly restores its link, and wakes into what the link then is.
 */
import type { CloseInfo, SpaceStatus } from "./space-types.ts";

/** What the link does, for an awake and for a sleeping headset. */
type Phase = "dialing" | "waiting" | "live" | "asleepDialing" | "asleepWaiting" | "asleepLive" | "closed";

export type ConnectionEvent =
  /** The room's welcome arrived on the link being dialled. */
  | { readonly kind: "joined" }
  /** The dial or the link ended; what to do next depends on `reason.retryable`. */
  | { readonly kind: "dropped"; readonly reason: CloseInfo }
  /** The wait is over, or the network changed. */
  | { readonly kind: "retry" }
  | { readonly kind: "sleep" }
  | { readonly kind: "wake" }
  | { readonly kind: "leave" };
type EventKind = ConnectionEvent["kind"];

export type ConnectionState = {
  readonly phase: Phase;
  /** Whether this session ever was in the room: `connecting` before, `reconnecting` after. */
  readonly everJoined: boolean;
  /** Failed attempts since the last join. */
  readonly attempt: number;
  readonly reason: CloseInfo | undefined;
};

export type ConnectionAction =
  | { readonly kind: "dial" }
  | { readonly kind: "retryAt"; readonly timeMs: number }
  | { readonly kind: "cancelRetry" }
  /** Close the link, if there is one. */
  | { readonly kind: "hangUp" }
  /** Tell the room whether this headset sleeps. */
  | { readonly kind: "announce"; readonly asleep: boolean };

/** What an event means in a phase. `drop` branches on whether a retry makes sense. */
type Move =
  | "ignore"
  | "join"
  | "joinAsleep"
  | "drop"
  | "dropAsleep"
  | "redial"
  | "redialAsleep"
  | "doze"
  | "dozeDialing"
  | "dozeWaiting"
  | "wakeLive"
  | "wakeDialing"
  | "wakeWaiting"
  | "end";

const TABLE: { readonly [P in Phase]: { readonly [E in EventKind]: Move } } = {
  dialing: { joined: "join", dropped: "drop", retry: "ignore", sleep: "dozeDialing", wake: "ignore", leave: "end" },
  waiting: { joined: "ignore", dropped: "ignore", retry: "redial", sleep: "dozeWaiting", wake: "redial", leave: "end" },
  live: { joined: "ignore", dropped: "drop", retry: "ignore", sleep: "doze", wake: "ignore", leave: "end" },
  asleepDialing: { joined: "joinAsleep", dropped: "dropAsleep", retry: "ignore", sleep: "ignore", wake: "wakeDialing", leave: "end" },
  asleepWaiting: { joined: "ignore", dropped: "ignore", retry: "redialAsleep", sleep: "ignore", wake: "wakeWaiting", leave: "end" },
  asleepLive: { joined: "ignore", dropped: "dropAsleep", retry: "ignore", sleep: "ignore", wake: "wakeLive", leave: "end" },
  closed: { joined: "ignore", dropped: "ignore", retry: "ignore", sleep: "ignore", wake: "ignore", leave: "ignore" },
};

export const INITIAL: ConnectionState = { phase: "dialing", everJoined: false, attempt: 0, reason: undefined };

const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 8000;
/** Nobody waits for a sleeping headset; its retries only bring edits home. */
const MAX_ASLEEP_BACKOFF_MS = 30_000;
/** 250 ms doubled this often is past every cap. */
const MAX_DOUBLINGS = 10;

export type ConnectionStep = { readonly state: ConnectionState; readonly actions: readonly ConnectionAction[] };

/** `dice` in [0, 1): the jitter of a retry, should this step start one. */
export function stepConnection(state: ConnectionState, event: ConnectionEvent, nowMs: number, dice: number): ConnectionStep {
  const move = TABLE[state.phase][event.kind];
  const to = (phase: Phase, ...actions: readonly ConnectionAction[]): ConnectionStep => ({ state: { ...state, phase }, actions });
  switch (move) {
    case "ignore":
      return { state, actions: [] };
    case "join":
      return joined(state, "live", []);
    case "joinAsleep":
      return joined(state, "asleepLive", [{ kind: "announce", asleep: true }]);
    case "drop":
      return dropped(state, event, "waiting", nowMs, dice);
    case "dropAsleep":
      return dropped(state, event, "asleepWaiting", nowMs, dice);
    case "redial":
      return to("dialing", { kind: "cancelRetry" }, { kind: "dial" });
    case "redialAsleep":
      return to("asleepDialing", { kind: "cancelRetry" }, { kind: "dial" });
    case "doze":
      return to("asleepLive", { kind: "announce", asleep: true });
    case "dozeDialing":
      return to("asleepDialing");
    case "dozeWaiting":
      return to("asleepWaiting");
    case "wakeLive":
      return to("live", { kind: "announce", asleep: false });
    case "wakeDialing":
      return to("dialing");
    case "wakeWaiting":
      return to("dialing", { kind: "cancelRetry" }, { kind: "dial" });
    case "end":
      return to("closed", { kind: "cancelRetry" }, { kind: "hangUp" });
  }
}

export function statusOf(state: ConnectionState): SpaceStatus {
  switch (state.phase) {
    case "dialing":
    case "waiting":
      return state.everJoined ? "reconnecting" : "connecting";
    case "live":
      return "live";
    case "asleepDialing":
    case "asleepWaiting":
    case "asleepLive":
      return "asleep";
    case "closed":
      return "closed";
  }
}

/** Whether messages can be sent to the room. */
export const isUp = (state: ConnectionState): boolean => state.phase === "live" || state.phase === "asleepLive";

export function backoffMs(attempt: number, capMs: number, dice: number): number {
  const full = Math.min(capMs, FIRST_BACKOFF_MS * 2 ** Math.min(attempt, MAX_DOUBLINGS));
  return full / 2 + (full / 2) * dice;
}

function joined(state: ConnectionState, phase: Phase, actions: readonly ConnectionAction[]): ConnectionStep {
  return { state: { ...state, phase, everJoined: true, attempt: 0, reason: undefined }, actions };
}

function dropped(state: ConnectionState, event: ConnectionEvent, waiting: "waiting" | "asleepWaiting", nowMs: number, dice: number): ConnectionStep {
  const reason = event.kind === "dropped" ? event.reason : undefined;
  if (reason !== undefined && !reason.retryable) {
    return { state: { ...state, phase: "closed", reason }, actions: [{ kind: "cancelRetry" }, { kind: "hangUp" }] };
  }
  const capMs = waiting === "waiting" ? MAX_BACKOFF_MS : MAX_ASLEEP_BACKOFF_MS;
  const timeMs = nowMs + backoffMs(state.attempt, capMs, dice);
  return {
    state: { ...state, phase: waiting, attempt: state.attempt + 1, reason },
    actions: [{ kind: "hangUp" }, { kind: "retryAt", timeMs }],
  };
}
