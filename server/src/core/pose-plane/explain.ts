/** Why a viewer gets of a source what it gets, in a sentence. */
import type { SourceDesk } from "./source-desk.ts";
import type { CellGrid } from "./cell-grid.ts";
import type { Demand } from "./demand.ts";
import type { Interest } from "./interest.ts";
import { Tier, tierName } from "./tiers.ts";
import type { ViewerLinks } from "./viewer-links.ts";

/** `uplinkHz`: samples a second that the source is asked for, by whoever sees it best. */
export type Explanation = { readonly tier: string; readonly score: number; readonly why: string; readonly uplinkHz: number };

type Parts = {
  readonly desk: SourceDesk;
  readonly grid: CellGrid;
  readonly links: ViewerLinks;
  readonly interest: Interest;
  readonly demand: Demand;
};

export function explain({ desk, grid, links, interest, demand }: Parts, viewer: number, source: number): Explanation {
  const uplinkHz = desk.present[source] === 1 ? demand.rate(source) : 0;
  const none = (why: string): Explanation => ({ tier: tierName(Tier.none), score: 0, why, uplinkHz });
  if (viewer === source) return none("a viewer is never sent itself");
  if (desk.present[source] !== 1) return none("nobody is in that slot");
  if (desk.present[viewer] !== 1) return none("nobody watches from that slot");
  if (links.isHidden(viewer, source)) return none("hidden from this viewer by a safety filter: not sent at all");
  if (!desk.shown(source)) return none("the source has not sent a sample yet");
  const tier = interest.tier(viewer, source);
  const score = interest.score(viewer, source, desk.tick);
  const view = interest.view(viewer, source);
  const where = `${interest.distanceM(viewer, source).toFixed(1)} m away, ${view === 1 ? "in view" : view > 0.2 ? "beside" : "behind"}`;
  const how = links.isNear(viewer, source)
    ? "near: a stream of its own"
    : tier === Tier.none
      ? "its cell does not fit the viewer's budget; its score doubles until it does"
      : `far: with the ${grid.counts[grid.cellOf[source] as number]} people of its cell`;
  return { tier: tierName(tier), score, why: `${where}; ${how}; ${links.chainState(viewer, source)}`, uplinkHz };
}
