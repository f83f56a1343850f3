/**
 * Who is not shown to whom, and why: the one place that safety filters (muted, blocked, personal space) write to. By user, so that neither
 * a new session nor a nap brings somebody back.
 *
 * [HT1] A source is hidden from a viewer while any reason holds.
 * [HT2] What a viewer hides is bounded by HIDDEN_MOST; beyond, `set` refuses and says so.
 */
import { HIDE_REASONS, type HideReason } from "./types.ts";

/** More people than a room holds, four times over: those who came and went are remembered too. */
export const HIDDEN_MOST = 4096;

export class HideTable {
  /** viewer -> source -> one bit per reason. */
  private readonly viewers = new Map<string, Map<string, number>>();

  /** Sets or lifts one reason; false when the viewer hides too many. */
  set(viewer: string, source: string, reason: HideReason, hidden: boolean): boolean {
    let sources = this.viewers.get(viewer);
    const before = sources?.get(source) ?? 0;
    const bit = 1 << HIDE_REASONS.indexOf(reason);
    const after = hidden ? before | bit : before & ~bit;
    if (after === before) return true;
    if (after === 0) {
      sources?.delete(source);
      if (sources?.size === 0) this.viewers.delete(viewer);
      return true;
    }
    if (sources === undefined) this.viewers.set(viewer, (sources = new Map()));
    if (before === 0 && sources.size >= HIDDEN_MOST) return false;
    sources.set(source, after);
    return true;
  }

  get empty(): boolean {
    return this.viewers.size === 0;
  }
  hides(viewer: string, source: string): boolean {
    return this.viewers.get(viewer)?.has(source) === true;
  }
  reasons(viewer: string, source: string): readonly HideReason[] {
    const bits = this.viewers.get(viewer)?.get(source) ?? 0;
    return HIDE_REASONS.filter((_, i) => ((bits >> i) & 1) === 1);
  }
}
