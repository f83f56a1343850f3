/** What the core needs from outside: what the application asked for, and the world it runs in. */
import type { SceneSpec } from "@copresence/shared/scene";
import type { ClientClock, Dialer, Scheduler } from "./link.ts";
import type { Random } from "./random.ts";
import type { SceneCache } from "./scene-cache.ts";
import type { ConnectOptions, Space } from "./space-types.ts";

export type SpaceOptions<S extends SceneSpec = any> = ConnectOptions<S> & {
  readonly dialer: Dialer;
  readonly clock: ClientClock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Where the scene is kept between sessions; opened before the space starts, so that its edits never wait for it. */
  readonly cache?: SceneCache | undefined;
};

/** A space, and when it may be used. */
export type StartedSpace<S extends SceneSpec = any> = {
  readonly space: Space<S>;
  /** Rejects with a `JoinError`. */
  readonly ready: Promise<void>;
};

/** A client that does not look at others has no use for their fingers. */
export const observing = ({ observe }: SpaceOptions): { readonly hands?: boolean; readonly controls?: boolean; readonly gaze?: boolean } =>
  observe === false ? { hands: false, controls: false, gaze: false } : {};
