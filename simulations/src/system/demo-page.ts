/**
 * A page of the demo, driven from a system test: walks in, poses the emulated headset, reads what the page shows.
 *
 * What runs in the page is passed as strings of JavaScript to `evaluate`, because a test's transpiled functions would carry helpers that
 * the page does not have. `c` stands for `window.__copresence` (examples/src/app/handle.ts).
 */
import type { Page } from "playwright-core";
import type { TestBrowser } from "./browser.ts";

/** Milliseconds since the epoch, with fractions: the one clock that two pages on a machine share. */
const EPOCH = "(performance.timeOrigin + performance.now())";
const WALK_IN_MS = 60_000;

export type Reading = { readonly epochMs: number; readonly roomMs: number; readonly pose: readonly number[] };

export class DemoPage {
  readonly page: Page;
  readonly errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  static async walkIn(browser: TestBrowser, url: string, name: string, options: string): Promise<DemoPage> {
    const demo = new DemoPage(await browser.context.newPage());
    await demo.page.goto(`${url}/?name=${name}&join=1&${options}`);
    await demo.until("c.space && c.space.status === 'live' && c.space.objects.size > 0", WALK_IN_MS);
    return demo;
  }

  /** The value of an expression over `c`; promises are awaited. Anything that JSON can carry. */
  read<T>(expression: string): Promise<T> {
    return this.page.evaluate(`(async (c) => (${expression}))(window.__copresence)`) as Promise<T>;
  }

  /** Waits until an expression over `c` is true, looking every 20 ms. */
  async until(expression: string, timeoutMs = 15_000): Promise<void> {
    await this.page.waitForFunction(`((c) => c !== undefined && (${expression}))(window.__copresence)`, undefined, {
      polling: 20,
      timeout: timeoutMs,
    });
  }

  async enterVr(): Promise<void> {
    await this.page.locator("#enter-vr").click();
    await this.until("c.three.renderer.xr.isPresenting");
  }

  /** Starts recording this page's own pose, once per displayed frame, by room time. */
  async recordOwnPose(): Promise<void> {
    await this.page.evaluate(`(() => {
      const { space } = window.__copresence;
      window.recorded = [];
      const frame = space.frame;
      space.frame = (nowMs = performance.now()) => {
        frame.call(space, nowMs);
        window.recorded.push({ epochMs: ${EPOCH}, roomMs: space.roomTimeMs - (performance.now() - nowMs), pose: Array.from(space.me.pose.subarray(0, 7)) });
      };
    })()`);
  }

  /** Starts recording where this page shows the head of `name`, every 5 ms, by the room time it is shown at. */
  async recordHeadOf(name: string): Promise<void> {
    await this.page.evaluate(`(() => {
      const { space } = window.__copresence;
      window.recorded = [];
      window.recording = setInterval(() => {
        const person = [...space.people].find((each) => each.name === ${JSON.stringify(name)});
        if (person === undefined || !person.visible) return;
        space.frame();
        window.recorded.push({ epochMs: ${EPOCH}, roomMs: person.shownMs(0), pose: Array.from(person.pose.subarray(0, 7)) });
      }, 5);
    })()`);
  }

  async stopRecording(): Promise<void> {
    await this.page.evaluate("clearInterval(window.recording)");
  }

  recorded(): Promise<readonly Reading[]> {
    return this.page.evaluate("window.recorded.splice(0)") as Promise<readonly Reading[]>;
  }
}

/** Metres between the heads. */
export const apartM = (a: Reading, b: Reading): number =>
  Math.hypot((a.pose[0] ?? 0) - (b.pose[0] ?? 0), (a.pose[1] ?? 0) - (b.pose[1] ?? 0), (a.pose[2] ?? 0) - (b.pose[2] ?? 0));

/** Degrees between the heads' orientations. */
export function turnedDeg(a: Reading, b: Reading): number {
  let dot = 0;
  for (let i = 3; i < 7; i++) dot += (a.pose[i] ?? 0) * (b.pose[i] ?? 0);
  return (2 * Math.acos(Math.min(1, Math.abs(dot))) * 180) / Math.PI;
}

/** Where the head was at `roomMs`, between two recorded frames; undefined outside of the recording. */
export function poseAt(recording: readonly Reading[], roomMs: number): Reading | undefined {
  const after = recording.findIndex((reading) => reading.roomMs >= roomMs);
  const [from, to] = [recording[after - 1], recording[after]];
  if (from === undefined || to === undefined) return undefined;
  const u = (roomMs - from.roomMs) / (to.roomMs - from.roomMs);
  return { epochMs: 0, roomMs, pose: from.pose.map((value, i) => value + ((to.pose[i] ?? 0) - value) * u) };
}
