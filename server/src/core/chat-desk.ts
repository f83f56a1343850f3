/**
 * Lines of chat wait for moderation's verdict, briefly.
 *
 * [CH1] A line is shown to everybody or, if hidden, to its author alone (`hidden: true`); nobody else learns that it existed.
 * [CH2] A verdict that does not come within `holdMs` is replaced by the room's setting: fail open shows, fail closed hides.
 * [CH3] Lines leave in the order they came: a judged line waits for the ones before it, at most `holdMs`.
 * [CH5] Nobody gets the lines of whom they muted, or of whom they or who blocked them.
 * [CH4] Nothing is kept once a line has left: the room has no chat history.
 */
import type { SessionId } from "@copresence/shared/base";
import { encodeMessage, LIMITS } from "@copresence/shared/protocol";
import type { EffectSink } from "./effect-sink.ts";
import type { Member } from "./member.ts";
import type { Roster } from "./roster.ts";

export type ModerationOptions = { readonly failOpen: boolean; readonly holdMs: number };

/** Who hears whom [CH5], and who remembers what was said. */
export type Audience = {
  hears(listener: string, speaker: string): boolean;
  heard(line: { readonly id: number; readonly user: string; readonly atMs: number; readonly text: string; readonly hidden: boolean }): void;
};

/** Lines that may wait at once: a full room's burst. */
const MAX_WAITING = 1024;

type Line = {
  readonly id: number;
  readonly session: SessionId;
  readonly slot: number;
  readonly user: string;
  readonly ref: number;
  readonly text: string;
  readonly atMs: number;
  verdict: "waiting" | "show" | "hide";
};

export class ChatDesk {
  private readonly out: EffectSink;
  private readonly roster: Roster;
  private readonly moderation: ModerationOptions;
  /** Oldest first. */
  private readonly waiting: Line[] = [];
  private lastId = 0;
  private readonly audience: Audience;

  constructor(options: { readonly out: EffectSink; readonly roster: Roster; readonly moderation: ModerationOptions; readonly audience: Audience }) {
    this.audience = options.audience;
    this.out = options.out;
    this.roster = options.roster;
    this.moderation = options.moderation;
  }

  say(member: Member, message: { readonly ref: number; readonly text: string }, nowMs: number): void {
    const text = message.text.trim();
    const refusal = this.refusal(member, text, nowMs);
    if (refusal !== undefined) {
      this.out.deny(member.session, message.ref, { reason: refusal.reason, object: "", field: "", sentence: refusal.sentence });
      return;
    }
    const { slot, user } = member.person;
    const id = ++this.lastId;
    this.waiting.push({ id, session: member.session, slot, user, ref: message.ref, text, atMs: nowMs, verdict: "waiting" });
    this.out.count("chat");
    this.out.event({ kind: "text", subject: { kind: "chat", id }, version: 1, user, text });
  }

  private refusal(member: Member, text: string, nowMs: number): { reason: "not-allowed" | "too-many" | "malformed"; sentence: string } | undefined {
    if (!member.role.chat) return { reason: "not-allowed", sentence: "Your role may not chat in this space." };
    if (text === "") return { reason: "malformed", sentence: "An empty line says nothing." };
    if (!member.limits.chat.take(nowMs))
      return { reason: "too-many", sentence: `At most ${LIMITS.chatPerSecond} lines a second; wait a moment and send it again.` };
    if (this.waiting.length >= MAX_WAITING) return { reason: "too-many", sentence: "Too many lines are waiting; send it again in a moment." };
    return undefined;
  }

  /** Moderation's answer; one that comes after the line has left changes nothing. */
  verdict(id: number, hide: boolean): void {
    const line = this.waiting.find((candidate) => candidate.id === id);
    if (line !== undefined) line.verdict = hide ? "hide" : "show";
  }

  /** Lets every line out that is judged or has waited long enough. */
  flush(nowMs: number): void {
    let line = this.waiting[0];
    while (line !== undefined && (line.verdict !== "waiting" || nowMs - line.atMs >= this.moderation.holdMs)) {
      const hide = line.verdict === "waiting" ? !this.moderation.failOpen : line.verdict === "hide";
      this.deliver(line, hide);
      this.waiting.shift();
      line = this.waiting[0];
    }
  }

  private deliver(line: Line, hidden: boolean): void {
    const { id, slot, user, text, atMs, session: author } = line;
    const encode = (ref: number): Uint8Array => encodeMessage({ type: "chatMessage", id, slot, user, ref, atMs, hidden, text });
    if (this.roster.bySession(author) !== undefined) this.out.sendBytes(author, encode(line.ref));
    this.audience.heard({ id, user, atMs, text, hidden });
    if (hidden) return;
    const bytes = encode(0);
    for (const { session, person } of this.roster.members)
      if (session !== author && this.audience.hears(person.user, user)) this.out.sendBytes(session, bytes);
  }
}
