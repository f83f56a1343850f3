import { LIMITS } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { ChatDesk } from "./chat-desk.ts";
import { addMember, counted, only, sent } from "./core-kit.ts";
import { EffectSink } from "./effect-sink.ts";
import { Roster } from "./roster.ts";

function setUp(failOpen = true, deafTo = "") {
  const out = new EffectSink();
  const roster = new Roster(4);
  const chat = new ChatDesk({
    out,
    roster,
    moderation: { failOpen, holdMs: 200 },
    audience: { hears: (listener, speaker) => !(listener === "bob" && speaker === deafTo), heard: () => undefined },
  });
  const ada = addMember(roster, "ada");
  const bob = addMember(roster, "bob");
  const say = (ref: number, text: string, nowMs: number, who = ada): void => chat.say(who, { ref, text }, nowMs);
  const lines = (session = bob.session, effects = out.take()) =>
    sent(effects, session, "chatMessage").map(({ id, ref, text, hidden }) => ({ id, ref, text, hidden }));
  return { out, roster, chat, ada, bob, say, lines };
}

describe("ChatDesk", () => {
  it("[CH5] sends nobody the lines of whom they do not hear", () => {
    const { ada, chat, lines, out, say } = setUp(true, "ada");
    say(1, "unheard", 0);
    chat.verdict(1, false);
    chat.flush(10);
    const effects = out.take();
    expect(lines(undefined, effects)).toEqual([]);
    expect(lines(ada.session, effects)).toHaveLength(1);
  });

  it("[CH1] shows a judged line to everybody, with its author's ref only to the author", () => {
    const { chat, ada, bob, say, out, lines } = setUp();
    say(9, "  hello  ", 10);
    const events = out.take();
    expect(only(events, "event")).toEqual([
      { kind: "event", event: { kind: "text", subject: { kind: "chat", id: 1 }, version: 1, user: "ada", text: "hello" } },
    ]);
    expect(counted(events, "chat")).toBe(1);
    chat.flush(11);
    expect(out.take()).toEqual([]);
    chat.verdict(1, false);
    chat.flush(12);
    const effects = out.take();
    expect(lines(ada.session, effects)).toEqual([{ id: 1, ref: 9, text: "hello", hidden: false }]);
    expect(lines(bob.session, effects)).toEqual([{ id: 1, ref: 0, text: "hello", hidden: false }]);
  });

  it("[CH1] sends a hidden line to nobody but its author", () => {
    const { chat, ada, bob, say, out, lines } = setUp();
    say(1, "rude", 0);
    chat.verdict(1, true);
    chat.flush(1);
    const effects = out.take();
    expect(lines(ada.session, effects)).toEqual([{ id: 1, ref: 1, text: "rude", hidden: true }]);
    expect(lines(bob.session, effects)).toEqual([]);
  });

  it.each([
    [true, 1, false],
    [false, 0, true],
  ])("[CH2] without a verdict, failOpen=%s decides at holdMs and not before", (failOpen, othersGet, hidden) => {
    const { chat, ada, bob, say, out, lines } = setUp(failOpen);
    say(1, "hm", 1000);
    out.take();
    chat.flush(1199);
    expect(out.take()).toEqual([]);
    chat.flush(1200);
    const effects = out.take();
    expect(lines(bob.session, effects)).toHaveLength(othersGet);
    expect(lines(ada.session, effects)[0]?.hidden).toBe(hidden);
    chat.verdict(1, true);
    chat.flush(1300);
    expect(out.take()).toEqual([]);
  });

  it("[CH3] keeps the order: a judged line waits for the one before it", () => {
    const { chat, bob, say, out, lines } = setUp();
    say(1, "first", 0);
    say(1, "second", 50, bob);
    chat.verdict(2, false);
    chat.flush(60);
    expect(lines()).toEqual([]);
    chat.flush(200);
    expect(lines().map((line) => line.text)).toEqual(["first", "second"]);
    expect(out.take()).toEqual([]);
  });

  it("delivers to others when the author has left", () => {
    const { chat, roster, ada, say, lines } = setUp();
    say(1, "bye", 0);
    roster.remove(ada, 10);
    chat.flush(200);
    expect(lines().map((line) => line.text)).toEqual(["bye"]);
  });

  it("refuses what the role, the rate or emptiness forbids, with the ref", () => {
    const { roster, say, out, ada } = setUp();
    const mute = addMember(roster, "eve", "mute");
    say(3, "let me", 0, mute);
    expect(sent(out.take(), mute.session, "denied")[0]).toMatchObject({ ref: 3, reason: "not-allowed" });
    say(4, "   ", 0);
    expect(sent(out.take(), ada.session, "denied")[0]).toMatchObject({ ref: 4, reason: "malformed" });
    for (let i = 0; i < LIMITS.chatBurst; i++) say(i, "x", 0);
    expect(sent(out.take(), ada.session, "denied")).toEqual([]);
    say(77, "one more", 0);
    expect(sent(out.take(), ada.session, "denied")[0]).toMatchObject({ ref: 77, reason: "too-many" });
  });
});
