/** What the room's process and the process that starts workers for it say to each other; what is for a worker goes past it (child-launcher.ts). */
export type ToNursery =
  | { readonly kind: "start"; readonly id: number; readonly entry: string; /** Hex. */ readonly mark: string }
  | { readonly kind: "kill"; readonly id: number };
export type FromNursery =
  | { readonly kind: "started"; readonly id: number; readonly pid: number }
  | { readonly kind: "gone"; readonly id: number; readonly sentence: string };
