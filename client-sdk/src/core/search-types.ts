/** The public face of `space.search`, `space.watch` and `space.describe`. Room frame, metres. */
import type { Quat, Vec3 } from "@copresence/shared/base";
import type { SearchHit } from "@copresence/shared/scene";

export type SearchOptions = {
  /** At most this many hits, 1..32. Default 10. */
  readonly limit?: number | undefined;
  /** Only within this many metres of `from`; 0 or absent: anywhere. */
  readonly within?: number | undefined;
  readonly types?: readonly string[] | undefined;
  /** Point of view, room frame. Default: my head. */
  readonly from?: { readonly position: Vec3; readonly rotation: Quat } | undefined;
};
export type { SearchHit };
export type SearchResult = {
  /** The pipeline did not answer in time; these are lexical and spatial matches only, or none. */
  readonly degraded: boolean;
  readonly hits: readonly SearchHit[];
  /** How many things there are, where the question was "how many ...". */
  readonly count?: number | undefined;
};

export type DescribeOptions = {
  /** Only what is in view from `from`. Default: the whole scene. */
  readonly view?: boolean | undefined;
  /** Point of view, room frame. Default: my head. */
  readonly from?: { readonly position: Vec3; readonly rotation: Quat } | undefined;
};
export type Description = {
  /** The pipeline did not answer; there is nothing to tell. */
  readonly degraded: boolean;
  /** Sentences to read out: what is here, what stands together, who is where doing what. */
  readonly text: string;
  readonly objects: number;
  readonly people: number;
  readonly groups: readonly { readonly label: string; readonly count: number; readonly position: readonly number[] }[];
};
