/** What a `SceneCore` is made from, and what it says about itself. */
import type { Scene } from "@copresence/shared/scene";
import type { BehaviourModel } from "./behaviour/index.ts";
import type { LoadedScene } from "../adapters/store/scene-store.ts";
import type { ModerationOptions } from "./chat-desk.ts";
import type { InitialObject } from "./initial-objects.ts";
import type { Explanation } from "./pose-plane/index.ts";
import type { CoreEffect, HideReason } from "./types.ts";

export type SceneCoreOptions = {
  readonly space: string;
  readonly region: string;
  /** At most 64 bytes. */
  readonly build: string;
  /** 10..90. */
  readonly tickRateHz: number;
  readonly scene: Scene;
  readonly loaded: LoadedScene;
  /** Tells hosts of one space apart: colours and the room's own Yjs clientID come from it. */
  readonly seed: number;
  readonly moderation: ModerationOptions;
  /** Personal space of who has not chosen their own, m. Default 0: none. */
  readonly boundaryM?: number;
  /** Judges how people behave towards each other; undefined: nobody does. */
  readonly behaviour?: BehaviourModel | undefined;
  /** Whether `report` and `alarm` effects go to somebody; default no: reports are refused, and nobody's behaviour is watched. */
  readonly takesReports?: boolean;
  /** Written into a document that never had a record. */
  readonly initial?: readonly InitialObject[] | undefined;
  /** Milliseconds of processor time of the room's thread, to find edits that cost it too much (not those of a machine that is busy elsewhere); without it none is found (simulations). */
  readonly stopwatch?: (() => number) | undefined;
  /**
   * Carries out effects in the middle of a step: acknowledgements, which need not wait until what is durable has been applied. Without it they leave with the others.
   */
  readonly soon?: ((effects: readonly CoreEffect[]) => void) | undefined;
  /** Slots; default and most `LIMITS.people`. */
  readonly capacity?: number;
};

/** `corrupt`: the document cannot be loaded. `initial`: the studio's initial objects do not fit its scene. */
export type SceneCoreError = { readonly code: "corrupt" | "initial"; readonly sentence: string };

export type CoreStats = {
  readonly people: number;
  readonly docPeers: number;
  readonly leases: number;
  readonly readOnly: boolean;
  readonly pendingBatches: number;
};

/** Why a viewer gets of one person what it gets. */
export type PersonExplanation = Explanation & { readonly slot: number; readonly user: string; readonly hidden: readonly HideReason[] };
