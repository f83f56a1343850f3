/** Pings for the room's clock: fast at join, twice a second after. One clock per link, because room time starts with the room. */
import { ClockSync } from "@copresence/shared/time";
import { encodeMessage, type MessageOf } from "@copresence/shared/protocol";
import type { ClientClock, Scheduler } from "./link.ts";

export class Heartbeat {
  readonly sync = new ClockSync();
  /** How early the last pose sample came before the tick that used it. */
  slackMs = 0;
  private readonly clock: ClientClock;
  private readonly scheduler: Scheduler;
  private readonly send: (bytes: Uint8Array) => void;
  private cancel: (() => void) | undefined;

  constructor(clock: ClientClock, scheduler: Scheduler, send: (bytes: Uint8Array) => void) {
    this.clock = clock;
    this.scheduler = scheduler;
    this.send = send;
  }

  linkUp(): void {
    this.sync.reset();
    this.slackMs = 0;
    this.beat();
  }

  linkDown(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  onPong(message: MessageOf<"pong">): void {
    this.sync.onPong(message.clientTimeMs, this.clock.now(), message.serverTimeMs);
    this.slackMs = message.slackMs;
  }

  private beat(): void {
    this.send(encodeMessage({ type: "ping", clientTimeMs: this.clock.now() }));
    this.cancel = this.scheduler.after(this.sync.nextPingMs(), () => this.beat());
  }
}
