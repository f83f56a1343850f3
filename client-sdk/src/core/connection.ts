/**
 * Keeps one session in the room: dials, waits, retries, hangs up, as status-machine.ts decides. Knows links, not what travels on them.
 *
 * [CN1] At most one link at a time; whatever a replaced or abandoned link still says is ignored.
 * [CN2] A dial is over when the room's welcome has come (`welcomed`), not when the socket is open; it has JOIN_MS for all of it.
 * [CN3] A link that says nothing for SILENCE_MS is dead, whatever the socket believes: after a Wi-Fi switch TCP notices minutes later.
 * [CN4] What a link says before its dial has returned waits until it has: answers need the link.
 * [CN5] Time during which this process did not run (a suspended laptop, a frozen tab) is not silence of the room.
 */
import { CLOSE, isRetryable } from "@copresence/shared/protocol";
import type { ClientClock, Dialer, JoinFailure, JoinRequest, Link, Scheduler } from "./link.ts";
import type { Random } from "./random.ts";
import type { SessionEvent } from "./session-events.ts";
import type { CloseInfo, SpaceStatus, StatusChange, TicketSource } from "./space-types.ts";
import { type ConnectionAction, type ConnectionEvent, type ConnectionState, INITIAL, isUp, statusOf, stepConnection } from "./status-machine.ts";

/** A sleeping radio and a slow matchmaker fit in; PROMISES P8 has the server fail joins within 2 s. */
const JOIN_MS = 10_000;
/** Pings come twice a second at least. */
const SILENCE_MS = 6000;
const WATCH_MS = 1000;
/** A timer this late means that the process was stopped. */
const SUSPENDED_MS = 2500;
const ABNORMAL_CLOSURE = 1006;
const NORMAL_CLOSURE = 1000;

export type ConnectionPorts = {
  readonly dialer: Dialer;
  readonly clock: ClientClock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly request: { readonly url: string; readonly space: string; readonly ticket: TicketSource };
  readonly onMessage: (id: number, body: Uint8Array) => void;
  readonly onSession: (event: SessionEvent) => void;
  readonly onStatus: (change: StatusChange) => void;
  /** The link is gone (also when it never was welcomed). */
  readonly onDown: () => void;
  readonly announce: (asleep: boolean) => void;
};

export class Connection {
  reconnects = 0;
  private readonly ports: ConnectionPorts;
  private state: ConnectionState = INITIAL;
  private link: Link | undefined;
  private early: (() => void)[] = [];
  /** Names the current dial; callbacks of older ones are ignored [CN1]. */
  private generation = 0;
  private cancelRetry: (() => void) | undefined;
  private cancelJoin: (() => void) | undefined;
  private cancelWatch: (() => void) | undefined;
  private heardMs = 0;

  constructor(ports: ConnectionPorts) {
    this.ports = ports;
  }

  get status(): SpaceStatus {
    return statusOf(this.state);
  }
  /** Whether messages reach the room. */
  get up(): boolean {
    return isUp(this.state);
  }
  get everJoined(): boolean {
    return this.state.everJoined;
  }
  get reason(): CloseInfo | undefined {
    return this.state.reason;
  }

  start(): void {
    this.dial();
  }

  /** The room's welcome came on the current link. */
  welcomed(): void {
    this.cancelJoin?.();
    if (this.state.everJoined) this.reconnects++;
    this.heardMs = this.ports.clock.now();
    this.watch();
    this.feed({ kind: "joined" });
  }

  sleep(): void {
    this.feed({ kind: "sleep" });
  }
  wake(): void {
    this.feed({ kind: "wake" });
  }
  leave(): void {
    this.feed({ kind: "leave" });
  }
  /** The network may work again: no reason to wait any longer. */
  retryNow(): void {
    this.feed({ kind: "retry" });
  }

  /** Ends the session for a reason found on this side. */
  fail(reason: CloseInfo): void {
    this.drop(reason);
  }

  /** False when a droppable message was dropped, or there is no link. */
  send(bytes: Uint8Array, droppable: boolean): boolean {
    return this.link?.send(bytes, droppable) ?? false;
  }

  private feed(event: ConnectionEvent): void {
    const previous = this.status;
    const { state, actions } = stepConnection(this.state, event, this.ports.clock.now(), this.ports.random());
    this.state = state;
    for (const action of actions) this.perform(action);
    const status = statusOf(state);
    if (status !== previous) this.ports.onStatus({ status, previous, reason: state.reason });
  }

  private perform(action: ConnectionAction): void {
    switch (action.kind) {
      case "dial":
        return this.dial();
      case "retryAt":
        this.cancelRetry = this.ports.scheduler.after(Math.max(0, action.timeMs - this.ports.clock.now()), () => this.feed({ kind: "retry" }));
        return;
      case "cancelRetry":
        this.cancelRetry?.();
        this.cancelRetry = undefined;
        return;
      case "hangUp":
        return this.hangUp();
      case "announce":
        return this.ports.announce(action.asleep);
    }
  }

  private dial(): void {
    const mine = ++this.generation;
    this.cancelJoin = this.ports.scheduler.after(JOIN_MS, () => this.drop(infoOf(CLOSE.handshakeTimeout.code, CLOSE.handshakeTimeout.sentence)));
    const current = (run: () => void): void => {
      if (mine === this.generation) run();
    };
    void this.open(mine).then(
      (link) => {
        if (mine === this.generation) this.opened(link);
        else link.close(NORMAL_CLOSURE);
      },
      (failure: unknown) => current(() => this.drop(this.failureOf(failure))),
    );
  }

  private async open(mine: number): Promise<Link> {
    const { request, dialer } = this.ports;
    const ticket = typeof request.ticket === "string" ? request.ticket : await request.ticket();
    const join: JoinRequest = { url: request.url, space: request.space, ticket };
    const inTurn = (run: () => void): void => {
      if (mine !== this.generation) return;
      if (this.link === undefined) this.early.push(run);
      else run();
    };
    return dialer(join, {
      onMessage: (id, body) => {
        this.heardMs = this.ports.clock.now();
        const kept = this.link === undefined ? body.slice() : body;
        inTurn(() => this.ports.onMessage(id, kept));
      },
      onSession: (event) => inTurn(() => this.ports.onSession(event)),
      onClosed: (code, sentence) => inTurn(() => this.drop(this.failureOf({ code, sentence, retryable: isRetryable(code) }))),
    });
  }

  /** [CN4] */
  private opened(link: Link): void {
    this.link = link;
    for (const run of this.early.splice(0)) {
      if (this.link !== link) return;
      run();
    }
  }

  private drop(reason: CloseInfo): void {
    this.feed({ kind: "dropped", reason });
  }

  private hangUp(): void {
    this.generation++;
    this.cancelJoin?.();
    this.cancelWatch?.();
    this.cancelWatch = undefined;
    const { link } = this;
    this.link = undefined;
    this.early = [];
    link?.close(NORMAL_CLOSURE);
    this.ports.onDown();
  }

  /** [CN3], [CN5] */
  private watch(): void {
    const armedMs = this.ports.clock.now();
    this.cancelWatch?.();
    this.cancelWatch = this.ports.scheduler.after(WATCH_MS, () => {
      const nowMs = this.ports.clock.now();
      if (nowMs - armedMs > SUSPENDED_MS) this.heardMs = nowMs;
      if (nowMs - this.heardMs > SILENCE_MS) this.drop(infoOf(ABNORMAL_CLOSURE, "The room fell silent."));
      else this.watch();
    });
  }

  /** Adapters reject with a `JoinFailure`; a ticket source may throw anything, mostly because there is no network. */
  private failureOf(failure: unknown): CloseInfo {
    const info = isFailure(failure) ? failure : infoOf(ABNORMAL_CLOSURE, failure instanceof Error ? failure.message : String(failure));
    // A ticket admits once: without a source of fresh ones, "fetch a fresh one" is the application's to do.
    const stale = info.code === CLOSE.ticketUsed.code || info.code === CLOSE.ticketExpired.code;
    return stale && typeof this.ports.request.ticket === "string" ? { ...info, retryable: false } : info;
  }
}

const infoOf = (code: number, sentence: string): CloseInfo => ({ code, sentence, retryable: isRetryable(code) });

function isFailure(value: unknown): value is JoinFailure {
  if (typeof value !== "object" || value === null) return false;
  const { code, retryable } = value as Partial<JoinFailure>;
  return typeof code === "number" && typeof retryable === "boolean";
}
