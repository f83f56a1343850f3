/**
 * The consumers of the event stream: what turns events into answers. The same code runs in the worker and, degraded, in the room's process.
 *
 * [PC1] Object events change the index and answer nothing; texts and searches answer exactly once per event handled.
 * [PC2] Handling an event twice gives the same answer and changes nothing (at-least-once in, idempotent).
 */
import type { PipelineEvent } from "../core/types.ts";
import { judgeText } from "./lexicon/index.ts";
import { describeScene, loadSemantics, SceneIndex } from "./search/index.ts";
import type { PipelineAnswer } from "./types.ts";

export class Consumers {
  private readonly scenes = new Map<string, SceneIndex>();
  private readonly degraded: boolean;

  /** `degraded`: mark search answers as coming from the reduced form. */
  constructor(options: { readonly degraded: boolean }) {
    this.degraded = options.degraded;
  }

  handle(scene: string, event: PipelineEvent): PipelineAnswer | undefined {
    switch (event.kind) {
      case "object":
      case "objectGone":
        this.indexOf(scene).apply(event);
        return undefined;
      case "text": {
        const { hide, reason } = judgeText(event.text);
        return { kind: "verdict", subject: event.subject, version: event.version, hide, reason };
      }
      case "search": {
        const asked = { kind: "searched", session: event.session, ref: event.ref, degraded: this.degraded } as const;
        const index = this.scenes.get(scene) ?? new SceneIndex();
        if (event.describe !== undefined) return { ...asked, hits: [], description: describeScene(index, event) };
        const { hits, count } = index.find(event);
        return count === undefined ? { ...asked, hits } : { ...asked, hits, count };
      }
    }
  }

  /** Objects refused because a scene was full. */
  get refused(): number {
    let sum = 0;
    for (const index of this.scenes.values()) sum += index.refused;
    return sum;
  }

  has(scene: string): boolean {
    return this.scenes.has(scene);
  }
  forget(scene: string): void {
    this.scenes.delete(scene);
  }

  private indexOf(scene: string): SceneIndex {
    let index = this.scenes.get(scene);
    if (index === undefined) this.scenes.set(scene, (index = new SceneIndex(this.degraded ? undefined : loadSemantics())));
    return index;
  }
}
