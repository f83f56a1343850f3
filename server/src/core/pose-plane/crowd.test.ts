import { FrameDecoder, newPoseSample, type PoseSample } from "@copresence/shared/pose";
import { describe, expect, it } from "vitest";
import { PosePlane } from "./pose-plane.ts";

const RATE = 30;
/** One viewer in this many decodes what it is sent; decoding is most of the work. */
const WATCHED = 12;
/** Half a far step on an axis, and the fine lattice's. */
const FAR_M = 0.5 / 64 + 0.002;

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Somebody who strolls on a circle of 6 m around a place of the lattice, 3 m from the next. */
function poseOf(slot: number, timeMs: number, sample: PoseSample): PoseSample {
  const angle = timeMs / 6000 + slot;
  sample.timeMs = timeMs;
  for (let d = 0; d < 3; d++) {
    sample.pose[d * 7] = (slot % 16) * 3 - 24 + 6 * Math.cos(angle) + d * 0.2;
    sample.pose[d * 7 + 1] = 1.6 - d * 0.3 + 0.05 * Math.sin(timeMs / 200 + slot);
    sample.pose[d * 7 + 2] = Math.floor(slot / 16) * 3 - 24 + 6 * Math.sin(angle);
    sample.pose[d * 7 + 4] = Math.sin(angle / 2);
    sample.pose[d * 7 + 6] = Math.cos(angle / 2);
  }
  return sample;
}

class Viewer {
  readonly slot: number;
  readonly lastMs = new Map<number, number>();
  longestGapMs = 0;
  bytes = 0;
  /** Of the last frame's far blocks. */
  coarseness = 0;
  /** Whether what is shown is compared with `poseOf`. */
  judges = true;
  decoder = new FrameDecoder({ tickRateHz: RATE });
  nowMs = 0;
  private readonly truth = newPoseSample();

  constructor(slot: number) {
    this.slot = slot;
  }

  receive(frame: Uint8Array, nowMs: number): void {
    this.nowMs = nowMs;
    this.bytes += frame.length;
    this.coarseness = ((frame[2] as number) >> 1) & 3;
    // Plain conditions: there are millions of them, and `expect` is made for dozens.
    if (!this.decoder.decode(frame.subarray(2), this)) throw new Error(`viewer ${this.slot} got a malformed frame`);
    const missing = this.decoder.drainMissing(64);
    if (missing.length > 0) throw new Error(`viewer ${this.slot} lacks the references of ${missing.join(", ")}`);
  }
  readonly onHead = (): void => {};
  readonly onPose = (slot: number, sample: PoseSample): void => {
    if (slot === this.slot) throw new Error(`viewer ${slot} was sent itself`);
    const last = this.lastMs.get(slot);
    if (last !== undefined) this.longestGapMs = Math.max(this.longestGapMs, this.nowMs - last);
    this.lastMs.set(slot, this.nowMs);
    if (!this.judges) return;
    // The far stream says the time to 2 ms: a person who strolls at 1 m/s has gone 2 mm.
    const { pose } = poseOf(slot, sample.timeMs, this.truth);
    for (let axis = 0; axis < 21; axis += 7) {
      const off = Math.max(
        Math.abs((sample.pose[axis] as number) - (pose[axis] as number)),
        Math.abs((sample.pose[axis + 2] as number) - (pose[axis + 2] as number)),
      );
      if (!(off < FAR_M + 0.002)) throw new Error(`viewer ${this.slot} was shown ${slot} ${off} m away from where it was`);
    }
  };
}

class Hall {
  readonly plane: PosePlane;
  readonly people = new Map<number, Viewer>();
  tick = 50;
  poseOf = poseOf;
  /** Who is sent frames. */
  looking: (slot: number) => boolean = () => true;
  private readonly sample = newPoseSample();

  constructor(count: number) {
    this.plane = new PosePlane({ capacity: count, tickRateHz: RATE });
    for (let slot = 0; slot < count; slot++) this.join(slot);
  }

  get nowMs(): number {
    return (this.tick * 1000) / RATE;
  }
  join(slot: number): void {
    this.plane.add(slot);
    this.people.set(slot, new Viewer(slot));
  }
  watched(): Viewer[] {
    return [...this.people.values()].filter(({ slot }) => slot % WATCHED === 1);
  }
  leave(slot: number): void {
    this.plane.remove(slot);
    this.people.delete(slot);
    for (const viewer of this.people.values()) {
      viewer.decoder.forget(slot);
      viewer.lastMs.delete(slot);
    }
  }
  step(skips: (slot: number) => boolean = () => false): void {
    this.tick++;
    for (const slot of this.people.keys()) this.plane.submit(slot, this.poseOf(slot, this.nowMs - 8, this.sample));
    this.plane.encodeTick(this.tick);
    for (const [slot, viewer] of this.people) {
      if (!this.looking(slot)) continue;
      const frame = this.plane.writeFrame(slot, { tick: this.tick, inputAck: 0, rig: undefined });
      if (frame === undefined) continue;
      if (skips(slot)) this.plane.frameSkipped(slot);
      else if (slot % WATCHED === 1) viewer.receive(frame, this.nowMs);
    }
  }
}

/** `count` people who wave their whole bodies about, on a 1.6 m lattice, seen by a few who decode. */
function dancers(count: number): Hall {
  const hall = new Hall(count);
  hall.poseOf = (slot, timeMs, sample) => {
    sample.timeMs = timeMs;
    const side = Math.ceil(Math.sqrt(count));
    for (let d = 0; d < 3; d++) {
      const angle = timeMs / (220 + 15 * d) + slot * 1.7 + d;
      sample.pose[d * 7] = ((slot % side) - side / 2) * 1.6 + 0.5 * Math.cos(angle);
      sample.pose[d * 7 + 1] = 1.5 - d * 0.2 + 0.4 * Math.sin(angle * 1.3);
      sample.pose[d * 7 + 2] = (Math.floor(slot / side) - side / 2) * 1.6 + 0.5 * Math.sin(angle);
      sample.pose[d * 7 + 4] = Math.sin(angle / 2);
      sample.pose[d * 7 + 6] = Math.cos(angle / 2);
    }
    return sample;
  };
  for (const viewer of hall.people.values()) viewer.judges = false;
  hall.looking = (slot) => slot % WATCHED === 1 && slot < 5 * WATCHED;
  return hall;
}

describe("the pose plane in a crowd", () => {
  it("[FD4] shows a crowd that dances coarsely rather than in turns", () => {
    const hall = dancers(720);
    for (let i = 0; i < 100; i++) hall.step();
    for (const viewer of hall.people.values()) viewer.longestGapMs = viewer.bytes = 0;
    for (let i = 0; i < 30; i++) hall.step();
    for (const viewer of hall.watched().filter(({ slot }) => hall.looking(slot))) {
      expect(viewer.lastMs.size).toBe(719);
      expect(viewer.longestGapMs).toBeLessThanOrEqual(250);
      expect(viewer.bytes * 8).toBeLessThan(600_000);
      expect(viewer.coarseness).toBeGreaterThan(0);
    }
  });

  it("sheds T2 first, then T1, then half of the far stream, then T0", () => {
    // Forty people on an arc before the viewer, all as far and as squarely in view: only the steps' own worth decides.
    const hall = new Hall(41);
    hall.poseOf = (slot, timeMs, sample) => {
      sample.timeMs = timeMs;
      const angle = slot === 0 ? 0 : (slot % 2 === 0 ? 1 : -1) * (0.35 + slot * 0.015);
      for (let d = 0; d < 3; d++) {
        sample.pose[d * 7] = slot === 0 ? 0 : 6 * Math.sin(angle) + 0.1 * Math.sin(timeMs / 300 + slot + d);
        sample.pose[d * 7 + 1] = 1.6 - d * 0.3;
        sample.pose[d * 7 + 2] = slot === 0 ? 0 : -6 * Math.cos(angle) + 0.1 * Math.cos(timeMs / 300 + slot + d);
        sample.pose[d * 7 + 6] = 1;
      }
      return sample;
    };
    for (const viewer of hall.people.values()) viewer.judges = false;
    hall.looking = (slot) => slot === 0;
    const seen: string[] = [];
    for (let i = 0; i < 900; i++) {
      hall.step();
      if (i < 30) continue;
      hall.plane.frameQueued(0);
      const { tier } = hall.plane.explain(0, 20);
      if (seen.at(-1) !== tier) seen.push(tier);
    }
    const order = ["T0+T1+T2", "T0+T1", "T0", "far 10 Hz", "far 5 Hz"];
    const places = seen.map((tier) => order.indexOf(tier));
    expect(seen[0]).toBe("T0+T1+T2");
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places.length).toBeGreaterThanOrEqual(3);
    // A source that loses its T0 finds the far stream already halved.
    expect(seen).not.toContain("far 10 Hz");
  });

  it("[DE1] asks the base layer of those whom nobody sees near, and everything again once somebody does", () => {
    const hall = new Hall(240);
    const rates = new Map<number, number>();
    const listen = (steps: number): void => {
      for (let i = 0; i < steps; i++) {
        hall.step();
        for (const slot of hall.people.keys()) {
          const hz = hall.plane.uplinkChange(slot);
          if (hz > 0) rates.set(slot, hz);
        }
      }
    };
    // Nobody but one looks: the others are there, and not as viewers.
    for (let viewer = 1; viewer < 240; viewer++) for (let source = 0; source < 240; source++) hall.plane.hide(viewer, source, true);
    listen(150);
    const low = [...rates].filter(([, hz]) => hz === 10).map(([slot]) => slot);
    expect(low.length).toBeGreaterThan(100);
    for (const slot of low)
      expect(hall.plane.explain(0, slot)).toMatchObject({ tier: expect.stringMatching(/^(far|none|T0$)/) as string, uplinkHz: 10 });
    const far = low.find((slot) => hall.plane.explain(0, slot).tier.startsWith("far")) as number;
    hall.plane.setRole(far, 1000);
    listen(30);
    expect(rates.get(far)).toBe(RATE);
  });

  it("shows everybody at least every 250 ms within the budget, the near in full and the far from the far stream", () => {
    const hall = new Hall(240);
    for (let i = 0; i < 60; i++) hall.step();
    for (const viewer of hall.people.values()) viewer.longestGapMs = viewer.bytes = 0;
    for (let i = 0; i < 60; i++) hall.step();
    for (const viewer of hall.watched()) {
      expect(viewer.lastMs.size).toBe(239);
      for (const last of viewer.lastMs.values()) expect(hall.nowMs - last).toBeLessThanOrEqual(250);
      expect(viewer.longestGapMs).toBeLessThanOrEqual(250);
      expect(viewer.bytes / 2).toBeLessThanOrEqual(hall.plane.budget(viewer.slot));
    }
    const tiers = Array.from({ length: 239 }, (_, i) => hall.plane.explain(0, i + 1).tier);
    expect(tiers).toContain("T0+T1+T2");
    expect(tiers.some((tier) => tier.startsWith("far"))).toBe(true);
    expect(tiers).not.toContain("none");
  });

  it("[IN2] gives the nearest in view more than the farthest behind, and says why", () => {
    const hall = new Hall(240);
    hall.looking = (slot) => slot === 0;
    for (let i = 0; i < 60; i++) hall.step();
    const all = Array.from({ length: 239 }, (_, i) => ({ slot: i + 1, ...hall.plane.explain(0, i + 1) })).sort((a, b) => b.score - a.score);
    expect(all[0]?.tier).toBe("T0+T1+T2");
    expect(all.at(-1)?.tier).toMatch(/^far/);
    expect(all.at(-1)?.why).toMatch(/m away, behind; far: with the \d+ people of its cell; has the far reference/);
    hall.plane.setRole(all.at(-1)?.slot as number, 100);
    for (let i = 0; i < 20; i++) hall.step();
    expect(hall.plane.explain(0, all.at(-1)?.slot as number).tier).toMatch(/^T0/);
  });

  it("[BU1] sheds for a link that cannot follow, and grows back when it can", () => {
    const hall = new Hall(120);
    hall.looking = (slot) => slot === 1;
    for (let i = 0; i < 60; i++) hall.step();
    const full = hall.plane.budget(1);
    for (let i = 0; i < 120; i++) {
      hall.plane.frameQueued(1);
      hall.step();
    }
    const poor = hall.plane.budget(1);
    expect(poor).toBeLessThan(full / 2);
    const viewer = hall.people.get(1) as Viewer;
    viewer.bytes = 0;
    for (let i = 0; i < 30; i++) hall.step();
    expect(viewer.bytes).toBeLessThanOrEqual(poor * 1.1);
    for (let i = 0; i < 400; i++) hall.step();
    expect(hall.plane.budget(1)).toBeGreaterThan(poor * 1.5);
  });

  it("[BU2] reads queueing from the echo of the tick, not the length of the path", () => {
    const hall = new Hall(64);
    hall.looking = (slot) => slot === 0;
    const echo = (delayMs: number): void => hall.plane.echo(0, hall.tick, 0, hall.nowMs + delayMs);
    for (let i = 0; i < 60; i++) {
      hall.step();
      echo(180 + (i % 7));
    }
    const before = hall.plane.budget(0);
    for (let i = 0; i < 60; i++) {
      hall.step();
      echo(180 + i * 4);
    }
    expect(before).toBeGreaterThanOrEqual(32_000);
    expect(hall.plane.budget(0)).toBeLessThan(before);
  });

  it("[PP2] sends nothing of whom it hides, from the next frame on, and everything again after", () => {
    const hall = new Hall(100);
    hall.looking = (slot) => slot === 13;
    for (let i = 0; i < 60; i++) hall.step();
    const viewer = hall.people.get(13) as Viewer;
    const hidden = [0, 1, 8, 9, 50, 99];
    for (const slot of hidden) hall.plane.hide(13, slot, true);
    viewer.lastMs.clear();
    for (let i = 0; i < 30; i++) hall.step();
    expect(hidden.filter((slot) => viewer.lastMs.has(slot))).toEqual([]);
    expect(viewer.lastMs.size).toBe(100 - 1 - hidden.length);
    expect(hall.plane.hidden(13, 50)).toBe(true);
    for (const slot of hidden) hall.plane.hide(13, slot, false);
    for (let i = 0; i < 30; i++) hall.step();
    expect(viewer.lastMs.size).toBe(99);
  });

  it("[FA2] never sends a block without its references, whoever comes, goes, hides, skips, asks and lags", () => {
    const random = seeded(11);
    const hall = new Hall(96);
    const pick = (): number => Math.floor(random() * 96);
    for (let i = 0; i < 400; i++) {
      const slot = pick();
      const dice = random();
      if (dice < 0.1 && hall.people.has(slot)) hall.leave(slot);
      else if (dice < 0.3 && !hall.people.has(slot)) hall.join(slot);
      else if (dice < 0.5) hall.plane.hide(slot, pick(), random() < 0.5);
      else if (dice < 0.6) hall.plane.frameQueued(slot);
      else if (dice < 0.7) hall.plane.needIntra(slot, [pick(), pick()]);
      hall.step((viewer) => viewer % 24 === 1 && random() < 0.1);
    }
    for (const viewer of hall.people.values()) {
      for (const source of hall.people.keys()) {
        if (source === viewer.slot || !hall.plane.hidden(viewer.slot, source)) continue;
        expect(hall.plane.explain(viewer.slot, source).tier).toBe("none");
      }
    }
  });
});
