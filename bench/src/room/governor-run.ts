/**
 * Three rooms (or six, nine) of one server, in some of which one client of a hundred stops reading until it is closed, again and again.
 *
 * [GR1] In every round each room has a role: in a third of them somebody is paused, the others are what they are held against, and for a
 *       control against each other. All are measured at the same time, and in six rounds every room plays every role as often, beside every other.
 * [GR2] In each room somebody at the same place in the room's order is left out: a frame's age grows along that order, so the frames that
 *       count stand at the same places everywhere.
 * [GR3] A round counts from the pause until the close has been seen, so what the server does about a slow consumer is in it. Before every round
 *       is a stretch in which everybody everywhere reads.
 * [GR4] After a round somebody takes the place of who was closed: there are always as many people in every room.
 * [GR5] Every LINE_MS a line of chat is said in the next room by somebody who is never paused: the ordered stream whose gaps would show. No
 *       number of ticks takes as long as any number of lines: a line that keeps meeting the same room's ticks is all of that room's p99.
 */
import { pause } from "./child.ts";
import type { Closing, Heard, Standing } from "./driver.ts";
import { Load } from "./load.ts";
import type { Ticks } from "./servers/ours.ts";

export type GovernorScale = {
  readonly seed: number;
  /** A multiple of three. */
  readonly rooms: number;
  /** Per room. */
  readonly people: number;
  readonly tickRateHz: number;
  readonly rounds: number;
  readonly warmMs: number;
  readonly calmMs: number;
  /** For the newcomer, before the next calm stretch. */
  readonly settleMs: number;
  /** How long a round waits for the close. */
  readonly patienceMs: number;
  readonly transport: "ws" | "uws";
};

/** What a room is to a round. */
export type Role = "paused" | "control" | "beside";
export type Ages = readonly number[];
/** Of the server's process, all threads and rooms, in a stretch. */
export type Work = Ticks & { readonly cpuMs: number };
export type Round = {
  readonly calm: { readonly ages: Ages; readonly work: Work };
  /** Ages by role, us. */
  readonly ages: Readonly<Record<Role, Ages>>;
  readonly work: Work;
  /** After the pause, one for each that was paused; infinity for who was not closed in time. */
  readonly closedS: readonly number[];
};
/** What one client heard, of which room, and how much of what was said there it must have. */
export type Listener = { readonly room: number; readonly paused: boolean; readonly from: number; readonly lines: readonly number[] };
export type Outcome = {
  readonly rounds: readonly Round[];
  readonly queueBytes: number;
  readonly closings: readonly Closing[];
  /** By the index of the client. */
  readonly listeners: readonly Listener[];
  /** Lines, by room. */
  readonly said: readonly number[];
  readonly phasesMs: readonly number[];
};
type Closed = { readonly reason: string; readonly atMs: number };

const LINE_MS = 237;
const LOOK_MS = 250;
/** For the last line, and for the backlog of clients that read again. */
const DRAIN_MS = 1500;
/** From one round to the next, so that places all over the order have their turn; the first place is the speaker's. */
const STRIDE = 37;
const ROLES: readonly Role[] = ["paused", "control", "beside"];
/** All orders of three. */
const ORDERS = [
  [0, 1, 2],
  [1, 2, 0],
  [2, 0, 1],
  [0, 2, 1],
  [2, 1, 0],
  [1, 0, 2],
] as const;

/** [GR1] */
export const roleOf = (room: number, round: number): Role => ROLES[ORDERS[round % ORDERS.length]?.[room % ROLES.length] ?? 0] as Role;
/** [GR2] */
export const placeOf = (round: number, people: number): number => 1 + ((round * STRIDE) % (people - 1));

export async function playGovernor(
  scale: GovernorScale,
  traces: string | undefined,
  progress: (round: Round, index: number) => void,
): Promise<Outcome> {
  const { rooms, people, tickRateHz, transport } = scale;
  const load = await Load.start("ours", { tickRateHz, transport });
  try {
    const play = new Play(load, scale, traces);
    for (let room = 0; room < rooms; room++) await play.join(room, people);
    return await play.rounds(progress);
  } finally {
    await load.stop();
  }
}

class Play {
  private readonly load: Load;
  private readonly scale: GovernorScale;
  private readonly traces: string | undefined;
  private readonly people: { room: number; paused: boolean; from: number }[] = [];
  private readonly said: number[] = [];
  private slow = 0;

  constructor(load: Load, scale: GovernorScale, traces: string | undefined) {
    this.load = load;
    this.scale = scale;
    this.traces = traces;
  }

  async join(room: number, count: number): Promise<void> {
    const { tickRateHz, seed, rooms, people, rounds } = this.scale;
    // A slot rests before it is given away again, so there are a few more slots than people.
    await this.load.connect({ count, uplinkHz: tickRateHz, tickRateHz, seed, traces: this.traces, room, rooms, most: people + rounds });
    for (let i = 0; i < count; i++) this.people.push({ room, paused: false, from: this.said[room] ?? 0 });
  }

  async rounds(progress: (round: Round, index: number) => void): Promise<Outcome> {
    const { load, scale } = this;
    await pause(scale.warmMs);
    const rooms = Array.from({ length: scale.rooms }, (_, room) => room);
    const speakers = (await Promise.all(rooms.map((room) => this.crowd(room)))).map(([first]) => (first as Standing).index);
    let turn = 0;
    const speaking = setInterval(() => {
      const room = turn++ % scale.rooms;
      const line = (this.said[room] = (this.said[room] ?? 0) + 1);
      void load.askDriver("say", { index: speakers[room], text: `line ${line}` });
    }, LINE_MS);
    const rounds: Round[] = [];
    for (let i = 0; i < scale.rounds; i++) {
      const round = await this.round(i, rooms);
      rounds.push(round);
      progress(round, i);
    }
    clearInterval(speaking);
    await pause(DRAIN_MS);
    const { unreadBytesMost } = await load.askServer<{ readonly unreadBytesMost: number }>("traffic");
    const [closings, heard] = [await load.closings(), await load.askDriver<Heard>("heard")];
    return {
      rounds,
      queueBytes: unreadBytesMost,
      closings,
      listeners: this.people.map((person, index) => ({ ...person, lines: heard[index] ?? [] })),
      said: this.said,
      phasesMs: await load.askDriver<readonly number[]>("phases"),
    };
  }

  private async round(number: number, rooms: readonly number[]): Promise<Round> {
    const { load, scale } = this;
    const place = placeOf(number, scale.people);
    const chosen = (await Promise.all(rooms.map((room) => this.crowd(room)))).map((crowd) => (crowd[place] as Standing).index);
    await load.askDriver("leaveOut", { indices: chosen });
    const calmWork = await this.measured(() => pause(scale.calmMs));
    const calmAges = (await Promise.all(rooms.map((room) => this.ages(room)))).flat();
    const toPause = chosen.filter((_, room) => roleOf(room, number) === "paused");
    let closedS: number[] = [];
    const work = await this.measured(async () => {
      const pausedMs: number[] = [];
      for (const index of toPause) pausedMs.push(await this.pause(index));
      const closedMs = await this.closed(toPause.length);
      closedS = pausedMs.map((ms, i) => ((closedMs[i] ?? Number.POSITIVE_INFINITY) - ms) / 1000);
    });
    const ages: Record<Role, Ages> = { paused: [], control: [], beside: [] };
    for (const room of rooms) ages[roleOf(room, number)] = [...ages[roleOf(room, number)], ...(await this.ages(room))];
    for (const index of toPause) {
      await load.askDriver("resume", { index });
      if (closedS.every(Number.isFinite)) await this.join(this.people[index]?.room ?? 0, 1);
    }
    await pause(scale.settleMs);
    return { calm: { ages: calmAges, work: calmWork }, ages, work, closedS };
  }

  private crowd(room: number): Promise<readonly Standing[]> {
    return this.load.askDriver("crowd", { room });
  }
  private ages(room: number): Promise<Ages> {
    return this.load.askDriver("ages", { room });
  }

  /** Measures everything while `act` runs. */
  private async measured(act: () => Promise<void>): Promise<Work> {
    const { load } = this;
    await load.askServer("record");
    const before = await load.usage();
    await load.askDriver("begin");
    await act();
    await load.askDriver("end");
    const after = await load.usage();
    return { ...(await load.askServer<Ticks>("ticks")), cpuMs: after.cpuMs - before.cpuMs };
  }

  private pause(index: number): Promise<number> {
    const person = this.people[index];
    if (person !== undefined) person.paused = true;
    return this.load.askDriver("pause", { index });
  }

  /** When the server closed each of `count` more slow consumers, ms; of those it closed in time. */
  private async closed(count: number): Promise<readonly number[]> {
    for (let waited = 0; ; waited += LOOK_MS) {
      const slow = (await this.load.askServer<readonly Closed[]>("closed")).filter(({ reason }) => reason === "slowConsumer");
      const closed = slow.slice(this.slow);
      if (closed.length >= count || waited >= this.scale.patienceMs) {
        this.slow = slow.length;
        return closed.map(({ atMs }) => atMs);
      }
      await pause(LOOK_MS);
    }
  }
}
