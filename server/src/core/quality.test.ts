import { FrameDecoder } from "@copresence/shared/pose";
import { ENVELOPE_BYTES, type MessageOf } from "@copresence/shared/protocol";
import { describe, expect, it } from "vitest";
import { poseAt, poseUp } from "./core-kit.ts";
import { CoreRun, framesOf, rigOf, session, TICK_MS, welcome } from "./core-run.ts";
import type { CoreInput } from "./types.ts";

const PEOPLE = 48;
const wish = (viewKbitPerS: number, fullPeople = 65_535): MessageOf<"quality"> => ({
  type: "quality",
  offers: 0,
  takes: 0,
  viewKbitPerS,
  fullPeople,
});

/** A room of dancers on a lattice of 2 m, and what two of them, `u0` and `u1`, are sent. */
class Ball {
  readonly run = new CoreRun({ capacity: PEOPLE });
  private readonly hellos = Array.from({ length: PEOPLE }, (_, i) => welcome(this.run.join(`u${i}`), `u${i}`));
  private readonly decoders = new Map(["u0", "u1"].map((user) => [user, new FrameDecoder({ tickRateHz: 1000 / TICK_MS })]));

  /** Dances for two seconds; of the second one: kbit, and poses of each person, that each of the two was sent. */
  dance(): Record<string, { readonly kbit: number; readonly poses: readonly number[] }> {
    this.second();
    return this.second();
  }

  private second(): Record<string, { readonly kbit: number; readonly poses: readonly number[] }> {
    const effects = Array.from({ length: 1000 / TICK_MS }, () => this.run.wait(TICK_MS, ...this.steps())).flat();
    return Object.fromEntries(
      [...this.decoders].map(([user, decoder]) => {
        const poses = Array.from({ length: PEOPLE }, () => 0);
        let bytes = 0;
        for (const frame of framesOf(effects, session(user))) {
          bytes += frame.length;
          decoder.decode(frame.subarray(ENVELOPE_BYTES), { onHead: () => {}, onPose: (slot) => void (poses[slot] = (poses[slot] as number) + 1) });
        }
        return [user, { kbit: (bytes * 8) / 1000, poses: poses.filter((count) => count > 0) }];
      }),
    );
  }

  private steps(): CoreInput[] {
    return this.hellos.map((hello, i) => {
      const angle = this.run.nowMs / 220 + i * 1.7;
      const at = [((i % 7) - 3) * 2 + 0.4 * Math.cos(angle), 1.6 + 0.2 * Math.sin(angle * 1.3), (Math.floor(i / 7) - 3) * 2 + 0.4 * Math.sin(angle)];
      return this.run.input(`u${i}`, poseUp([poseAt(this.run.nowMs + TICK_MS - 5, at)], rigOf(hello)));
    });
  }
}

describe("space.quality at the room: what a viewer is sent", () => {
  it("viewKbitPerS: its frames cost no more, everybody is still there, and nobody else's view changes", () => {
    const ball = new Ball();
    ball.dance();
    const before = ball.dance();
    ball.run.say("u0", wish(80));
    ball.dance();
    const { u0, u1 } = ball.dance();
    expect(before["u0"]?.kbit).toBeGreaterThan(160);
    expect(u0?.kbit).toBeLessThanOrEqual(80 * 1.1);
    expect(u0?.poses).toHaveLength(PEOPLE - 1);
    expect(u1?.kbit).toBeGreaterThan((before["u1"]?.kbit ?? 0) * 0.9);
    ball.run.say("u0", wish(0));
    ball.dance();
    ball.dance();
    expect(ball.dance()["u0"]?.kbit).toBeGreaterThan(160);
  });

  it("fullPeople: so many come at the full rate, all others five to ten times a second", () => {
    const ball = new Ball();
    ball.dance();
    const full = (poses: readonly number[] = []): number => poses.filter((count) => count > 20).length;
    const before = ball.dance();
    expect(full(before["u0"]?.poses)).toBeGreaterThan(8);
    for (const people of [5, 0]) {
      ball.run.say("u0", wish(0, people));
      const { u0, u1 } = ball.dance();
      expect(full(u0?.poses)).toBe(people);
      expect(u0?.poses).toHaveLength(PEOPLE - 1);
      for (const count of u0?.poses.filter((poses) => poses <= 20) ?? []) expect(count).toBeLessThanOrEqual(11);
      expect(full(u1?.poses)).toBeGreaterThan(8);
    }
  });
});
