/**
 * What the room says, brought to whom it concerns. Everything but the welcome, which puts the space itself together (space.ts).
 */
import type { DownMessage, MessageOf } from "@copresence/shared/protocol";
import type { Asks } from "./asks.ts";
import type { CasAsks } from "./cas-asks.ts";
import type { Downlink } from "./downlink.ts";
import type { Emitter } from "./emitter.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { PastState } from "./history.ts";
import type { Holds } from "./holds.ts";
import type { ClientClock } from "./link.ts";
import type { MeState } from "./me.ts";
import type { MyStreams } from "./my-streams.ts";
import type { PeopleStore } from "./people.ts";
import type { Rights } from "./rights.ts";
import type { SafetyState } from "./safety.ts";
import type { SceneSync } from "./scene-sync.ts";
import type { SessionEvent } from "./session-events.ts";
import type { SpaceEvents } from "./space-types.ts";
import type { Meter } from "./stats.ts";
import type { Uplink } from "./uplink.ts";
import type { VeilStore } from "./veils.ts";

/** Parts of a space that hear from the room. */
export type Desks = {
  readonly asks: Asks;
  readonly casAsks: CasAsks;
  readonly clock: ClientClock;
  readonly downlink: Downlink;
  readonly emitter: Emitter<SpaceEvents>;
  readonly heartbeat: Heartbeat;
  readonly holds: Holds;
  readonly me: MeState;
  readonly meter: Meter;
  readonly past: PastState;
  readonly people: PeopleStore;
  readonly rights: Rights;
  readonly safety: SafetyState;
  readonly streams: MyStreams;
  readonly sync: SceneSync;
  readonly uplink: Uplink;
  readonly veils: VeilStore;
};

export function handleMessage(desks: Desks, message: Exclude<DownMessage, { type: "welcome" }>): void {
  switch (message.type) {
    case "frame":
      desks.meter.framesIn++;
      return desks.downlink.onFrame(message.body);
    case "uplink":
      return desks.uplink.ask(message.hz);
    case "pong":
      return desks.heartbeat.onPong(message);
    case "grabResult":
      return desks.holds.onResult(message, desks.clock.now());
    case "syncDown":
      return desks.sync.receive(message.body);
    case "ack":
      desks.sync.onEpoch(message.epoch, message.clocks[0]?.client ?? 0);
      if (message.level !== "memory") desks.sync.onAck(message.updates);
      return;
    case "denied":
      return onDenied(desks, message);
    case "casResult":
      return desks.casAsks.onResult(message);
    case "permissions":
      desks.rights.learn(message);
      return desks.emitter.emit("permissions", desks.rights.rules());
    case "chatMessage":
      return onChat(desks, message);
    case "searchResult":
      return desks.asks.onResult(message);
    case "unseen":
      return desks.people.setUnseen(message.slot, message.why === "seen" ? undefined : message.why);
    case "reported":
      return desks.safety.onReported(message);
    case "appealed":
      return desks.safety.onAppealed(message);
    case "measure": {
      const { measure, what, on, sentence } = message;
      const notice = { measure, what, on, sentence };
      desks.safety.onMeasure(notice);
      return desks.emitter.emit("measure", notice);
    }
    case "searchCount":
      return desks.asks.onCount(message);
    case "watchResult":
      return desks.asks.onWatch(message);
    case "description":
      return desks.asks.onDescription(message);
    case "history":
      return desks.past.onHistory(message);
    case "rolledBack":
      return desks.past.onRolledBack(message);
    case "storage":
      desks.sync.onStorage(message.state === "bad");
      return desks.emitter.emit("storage", { state: message.state, sentence: message.sentence });
    case "streamDemand":
      return desks.streams.onDemand(message);
  }
}

/** The session plane. True when it was about me. */
export function handleSession(desks: Desks, event: SessionEvent): boolean {
  switch (event.kind) {
    case "person":
      return onPerson(desks, event.person);
    case "personGone":
      desks.downlink.forget(event.slot);
      desks.people.remove(event.slot);
      return false;
    case "lease":
      desks.holds.onLease(event.lease);
      return false;
    case "leaseGone":
      desks.holds.onLeaseGone(event.object, desks.clock.now());
      return false;
    case "flight":
      desks.holds.onFlight(event.flight, desks.clock.now());
      return false;
    case "flightGone":
      desks.holds.onFlightGone(event.object);
      return false;
    case "veil":
      desks.veils.set(event.object, event.field, event.author, event.reason);
      desks.emitter.emit("object", event.object);
      return false;
    case "veilGone":
      desks.veils.remove(event.object, event.field);
      desks.emitter.emit("object", event.object);
      return false;
  }
}

function onPerson(desks: Desks, person: Extract<SessionEvent, { kind: "person" }>["person"]): boolean {
  if (person.slot === desks.me.slot) {
    desks.me.info = person;
    return true;
  }
  if (person.status === "asleep") desks.downlink.forget(person.slot);
  desks.people.upsert(person);
  return false;
}

function onChat(desks: Desks, message: MessageOf<"chatMessage">): void {
  const { id, slot, user, ref, atMs, hidden, text } = message;
  const mine = user === desks.me.user;
  if (mine) desks.asks.answered(ref);
  const name = mine ? desks.me.name : (desks.people.byUser(user)?.name ?? "");
  desks.emitter.emit("chat", { id, slot, user, name, mine, text, hidden, atMs });
}

function onDenied(desks: Desks, { ref, reason, object, field, sentence }: MessageOf<"denied">): void {
  if (object === "" && desks.past.refused(ref, reason, sentence)) return;
  if (field === "transform" && (reason === "not-holder" || reason === "lost-race" || reason === "lease-expired"))
    desks.holds.onReleaseRefused(object);
  else if (object !== "" || !(desks.asks.answered(ref) || desks.asks.refused(ref) || desks.safety.refused(ref)))
    desks.sync.onDenied({ ref, reason, object, field, sentence });
  desks.emitter.emit("denied", { reason, object, field, sentence });
}
