import { describe, expect, it } from "vitest";
import { CLOSE } from "@copresence/shared/protocol";
import { decodeUplinkBody, newPoseSample, POSE_FLOATS } from "@copresence/shared/pose";
import { JoinError, type StatusChange } from "./space-types.ts";
import { ME, YOU } from "./testing/fake-room.ts";
import { joinWorld, startWorld, valveOf } from "./testing/world.ts";

const standing = (): Float64Array => {
  const pose = new Float64Array(POSE_FLOATS);
  pose.set([0, 1.6, 0, 0, 0, 0, 1, -0.2, 1.2, -0.3, 0, 0, 0, 1, 0.2, 1.2, -0.3, 0, 0, 0, 1]);
  return pose;
};

describe("joining", () => {
  it("[SC2] is ready once room, roster and document are here", async () => {
    const { space, ready, time, room } = startWorld();
    expect(space.status).toBe("connecting");
    await time.run(50);
    await ready;
    expect(space.status).toBe("live");
    expect(space.region).toBe("local");
    expect(space.me).toMatchObject({ slot: 0, name: "Me", role: "member", color: 0x112233 });
    expect(space.objects.ids()).toEqual(["valve-1"]);
    expect(room.joins[0]).toMatchObject({ space: "hall", ticket: "ticket-1" });
    expect(space.definitionMatches).toBe(true);
  });

  it("rejects with the room's code and sentence when a retry makes no sense", async () => {
    const { room, ready, space, time } = startWorld();
    room.failures.push({ ...CLOSE.ticketInvalid });
    await time.run(10);
    await expect(ready).rejects.toMatchObject({ code: 4303, retryable: false, message: CLOSE.ticketInvalid.sentence });
    await expect(ready).rejects.toBeInstanceOf(JoinError);
    expect(space.status).toBe("closed");
  });

  it("retries what is worth it, with a fresh ticket each time, as long as its patience lasts", async () => {
    const { room, ready, time } = startWorld();
    room.failures.push({ ...CLOSE.spaceFull }, { ...CLOSE.serverDraining });
    await time.run(2000);
    await ready;
    expect(room.joins.map(({ ticket }) => ticket)).toEqual(["ticket-1", "ticket-2", "ticket-3"]);
    const hopeless = startWorld({ patienceMs: 3000 });
    for (let i = 0; i < 100; i++) hopeless.room.failures.push({ ...CLOSE.spaceFull });
    await hopeless.time.run(3001);
    await expect(hopeless.ready).rejects.toMatchObject({ code: CLOSE.spaceFull.code });
    expect(hopeless.space.status).toBe("closed");
  });

  it("does not retry a used ticket that it cannot renew", async () => {
    const { room, ready, time } = startWorld({ ticket: "only-one" });
    room.failures.push({ ...CLOSE.ticketUsed });
    await time.run(10);
    await expect(ready).rejects.toMatchObject({ code: CLOSE.ticketUsed.code, retryable: false });
  });

  it("treats a ticket source that throws as a network that is not there", async () => {
    let calls = 0;
    const { ready, time, space } = startWorld({
      ticket: () => {
        if (++calls === 1) throw new Error("issuer unreachable");
        return "late";
      },
    });
    await time.run(1000);
    await ready;
    expect(space.status).toBe("live");
  });
});

describe("a link that comes and goes", () => {
  it("reconnects after a loss and says so", async () => {
    const { space, room, time } = await joinWorld();
    const changes: StatusChange[] = [];
    space.on("status", (change) => void changes.push(change));
    room.break();
    expect(space.status).toBe("reconnecting");
    await time.run(1000);
    expect(changes.map(({ status }) => status)).toEqual(["reconnecting", "live"]);
    expect(changes[0]?.reason).toMatchObject({ code: 1006, retryable: true });
    expect(room.joins.at(-1)?.ticket).toBe("ticket-2");
    expect(space.stats.reconnects).toBe(1);
  });

  it("closes for good when the room says so", async () => {
    const { space, room, time } = await joinWorld();
    room.break(CLOSE.removedByModerator.code, CLOSE.removedByModerator.sentence);
    await time.run(60_000);
    expect(space.status).toBe("closed");
    expect(room.joins.length).toBe(1);
  });

  it("[CN3] takes a silent link for dead, [CN5] but not its own suspension for silence", async () => {
    const { space, room, time } = await joinWorld();
    time.suspend(60_000);
    await time.run(1000);
    expect([space.status, room.joins.length]).toEqual(["live", 1]);
    room.answers = false;
    await time.run(7500);
    expect(room.closedByClient || room.joins.length > 1).toBe(true);
    room.answers = true;
    await time.run(3000);
    expect([space.status, room.joins.length]).toEqual(["live", 2]);
  });

  it("sleeps, keeps quiet, restores its link and wakes", async () => {
    const { space, room, time } = await joinWorld();
    space.me.sleep();
    expect(space.status).toBe("asleep");
    expect(room.last("presence")).toMatchObject({ state: "asleep" });
    const before = room.all("poseUp").length;
    space.me.setPose(standing());
    space.frame();
    expect(room.all("poseUp").length).toBe(before);
    room.break();
    await time.run(2000);
    expect(space.status).toBe("asleep");
    expect(room.joins.length).toBe(2);
    expect(room.last("presence")).toMatchObject({ state: "asleep" });
    space.me.wake();
    expect(space.status).toBe("live");
    expect(room.last("presence")).toMatchObject({ state: "awake" });
  });

  it("tries at once when the network changes", async () => {
    const { space, room, time } = await joinWorld();
    for (let i = 0; i < 5; i++) room.failures.push({ code: 1006, sentence: "", retryable: true });
    room.break();
    await time.run(7000);
    expect(space.status).toBe("reconnecting");
    room.failures.length = 0;
    space.networkChanged();
    await time.run(10);
    expect(space.status).toBe("live");
  });

  it("stands where it stood after a reconnect", async () => {
    const { space, room, time } = await joinWorld();
    space.me.teleport({ position: [3, 0, 4], yawRad: Math.PI / 2 });
    room.break();
    await time.run(1000);
    expect(space.me.rig).toMatchObject({ xMm: 3000, zMm: 4000, yaw: 16384 });
    expect(room.all("rigInput").length).toBe(0);
    space.frame();
    expect(room.last("rigInput")?.inputs.at(-1)?.teleport).toMatchObject({ positionMm: [3000, 0, 4000], yaw: 16384 });
  });

  it("leaves for good", async () => {
    const { space, room, time } = await joinWorld();
    const left = space.leave();
    await time.run(10);
    await left;
    expect(space.status).toBe("closed");
    expect(room.closedByClient).toBe(true);
    await time.run(60_000);
    expect(time.pending).toBe(0);
  });
});

describe("people", () => {
  it("come, change, leave, and keep their identity over a reconnect", async () => {
    const { space, room, time } = await joinWorld();
    const log: string[] = [];
    space.on("joined", ({ name }) => void log.push(`joined ${name}`));
    space.on("left", ({ name }) => void log.push(`left ${name}`));
    space.on("person", ({ name, status }) => void log.push(`${name} ${status}`));
    room.tell({ kind: "person", person: YOU });
    const person = space.people.get(3);
    expect(space.people.byUser("u-you")).toBe(person);
    room.tell({ kind: "person", person: { ...YOU, status: "asleep" } });
    room.break();
    await time.run(1000);
    room.tell({ kind: "person", person: { ...YOU, slot: 5, session: "s-again" } });
    expect(space.people.get(5)).toBe(person);
    expect(space.people.get(3)).toBeUndefined();
    room.tell({ kind: "personGone", slot: 5 });
    expect(log).toEqual(["joined You", "You asleep", "You awake", "left You"]);
  });

  it("[PE2] leave when the new room does not know them", async () => {
    const { space, room, time } = await joinWorld();
    room.tell({ kind: "person", person: YOU });
    room.break();
    await time.run(1000);
    space.frame();
    expect(space.people.size).toBe(1);
    await time.run(3000);
    space.frame();
    expect(space.people.size).toBe(0);
  });

  it("never include me", async () => {
    const { space, room } = await joinWorld();
    room.tell({ kind: "person", person: { ...ME, name: "Renamed" } });
    expect([space.people.size, space.me.name]).toEqual([0, "Renamed"]);
  });
});

describe("my body", () => {
  it("is composed with the rig, shown at once, and sent at the room's pace with up to three samples", async () => {
    const { space, room, time } = await joinWorld();
    for (let i = 0; i < 90; i++) {
      space.me.setPose(standing());
      space.frame();
      await time.run(1000 / 90);
    }
    expect([...space.me.pose.subarray(0, 3)]).toEqual([1, 1.6, -2]);
    const sent = room.all("poseUp");
    expect(sent.length).toBeGreaterThanOrEqual(28);
    expect(sent.length).toBeLessThanOrEqual(31);
    const samples = [newPoseSample(), newPoseSample(), newPoseSample()];
    expect(decodeUplinkBody(sent.at(-1)?.body ?? new Uint8Array(), samples)).toBe(3);
    expect(samples[2]?.pose[1]).toBeCloseTo(1.6, 3);
    expect(Math.abs((samples[2]?.timeMs ?? 0) - space.roomTimeMs)).toBeLessThan(40);
    expect(samples[0]?.timeMs).toBeLessThan(samples[1]?.timeMs ?? 0);
  });

  it("[UL4] follows the room's wish for less or more, and never exceeds what the application allows", async () => {
    const { space, room, time } = await joinWorld();
    const sentIn = async (ms: number): Promise<number> => {
      const before = room.all("poseUp").length;
      for (let t = 0; t < ms; t += 1000 / 90) {
        space.me.setPose(standing());
        space.frame();
        await time.run(1000 / 90);
      }
      return room.all("poseUp").length - before;
    };
    const close = (count: number, wanted: number): void => expect(Math.abs(count - wanted)).toBeLessThanOrEqual(2);
    close(await sentIn(1000), 30);
    room.say({ type: "uplink", hz: 10 });
    await time.run(20);
    close(await sentIn(1000), 10);
    // A turned knob is no new room: what was asked for stays.
    space.quality.set({ smoothingMs: 40 });
    close(await sentIn(1000), 10);
    room.say({ type: "uplink", hz: 200 });
    await time.run(20);
    close(await sentIn(1000), 30);
    room.say({ type: "uplink", hz: 0 });
    await time.run(20);
    expect(await sentIn(3000)).toBeGreaterThanOrEqual(2);
  });

  it("[ME1] never carries a non-finite number", async () => {
    const { space } = await joinWorld();
    space.me.setPose(standing());
    const broken = standing();
    broken[9] = Number.NaN;
    broken[3] = Number.POSITIVE_INFINITY;
    space.me.setPose(broken);
    space.frame();
    expect([...space.me.pose].every(Number.isFinite)).toBe(true);
    expect([...space.me.states]).toEqual([2, 2, 0]);
  });

  it("walks where the head looks and turns about it", async () => {
    const { space, room } = await joinWorld();
    space.me.setPose(standing());
    space.me.move({ x: 0, z: -1 }, 100);
    expect(space.me.rig).toMatchObject({ xMm: 1000, zMm: -2250 });
    const head = [...space.me.pose.subarray(0, 3)];
    space.me.move({ x: 0, z: 0, turn: 2 }, 10);
    space.frame();
    expect(space.me.rig.yaw).toBe(8192);
    for (const axis of [0, 1, 2]) expect(space.me.pose[axis]).toBeCloseTo(head[axis] as number, 2);
    expect(room.all("rigInput").flatMap(({ inputs }) => inputs).length).toBe(3);
  });
});

describe("asking", () => {
  it("chats, and knows its own lines", async () => {
    const { space, room } = await joinWorld();
    room.tell({ kind: "person", person: YOU });
    const lines: unknown[] = [];
    space.on("chat", ({ name, mine, text, hidden }) => void lines.push([name, mine, text, hidden]));
    expect(space.chat("hello")).toBe(true);
    const { ref = 0 } = room.last("chat") ?? {};
    const line = { type: "chatMessage", id: 1, slot: 0, user: "u-me", ref, atMs: 1, hidden: true, text: "hello" } as const;
    room.say(line);
    room.say({ ...line, id: 2, slot: 3, user: "u-you", ref: 0, hidden: false, text: "hi" });
    expect(lines).toEqual([
      ["Me", true, "hello", true],
      ["You", false, "hi", false],
    ]);
  });

  it("[AS1] settles every search: answered, late, or cut off", async () => {
    const { space, room, time } = await joinWorld();
    const answered = space.search("red valve", { within: 5, types: ["valve"] });
    expect(room.last("search")).toMatchObject({ text: "red valve", limit: 10, withinM: 5, types: ["valve"] });
    const hits = [{ object: "valve-1", score: 1, position: [1, 1, 1], label: "", why: "type" }];
    room.say({ type: "searchResult", ref: room.last("search")?.ref ?? 0, degraded: false, hits });
    expect(await answered).toMatchObject({ degraded: false, hits });
    const late = space.search("x");
    await time.run(5001);
    expect(await late).toEqual({ degraded: true, hits: [] });
    const cut = space.search("y");
    room.break();
    expect(await cut).toEqual({ degraded: true, hits: [] });
    expect(await space.search("z")).toEqual({ degraded: true, hits: [] });
    expect(space.chat("anyone?")).toBe(false);
  });

  it("shows veiled texts to their author only", async () => {
    const { space, room } = await joinWorld();
    const valve = valveOf(space);
    room.edit((doc) => (doc.getMap("objects").get("valve-1") as any).get("label").insert(0, "rude"));
    expect(valve.label).toBe("rude");
    room.tell({ kind: "veil", object: "valve-1", field: "label", author: "u-you", reason: "language" });
    expect([valve.label, valve.fields.label, valve.veiled("label")]).toEqual(["[hidden]", "[hidden]", { reason: "language", mine: false }]);
    room.tell({ kind: "veil", object: "valve-1", field: "label", author: "u-me", reason: "language" });
    expect([valve.label, valve.veiled("label")?.mine]).toEqual(["rude", true]);
    room.tell({ kind: "veilGone", object: "valve-1", field: "label" });
    expect(valve.veiled("label")).toBeUndefined();
  });
});
