/**
 * Bugs to plant: what a shell or a core might get wrong, switched on by name, so that it can be shown that the checkers find them.
 * `none` is the product. Each says which checker should notice.
 */
export const BUGS = {
  none: "the product as it is",
  "lost-update": "every 7th document message to a client is dropped (convergence)",
  "early-ack": "the store acknowledges before the bytes are safe, and the power goes (durability)",
  "double-grant": "a claim on a held object is answered with yes (single holder)",
  "stale-lease": "the end of a hold is not told to everybody (single holder)",
  "wild-pose": "a byte of every frame is damaged on the way (displayed error)",
  "late-poses": "poses are stamped 300 ms too early (displayed error)",
} as const;
export type Bug = keyof typeof BUGS;
