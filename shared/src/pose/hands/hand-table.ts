/**
 * Rice parameters of hand blocks, trained on recordings of hands by bench/src/train-hand-table.ts; do not edit.
 * A row per kind of group and layer, one column per class of the reference's residuals. Part of the wire format.
 */
// prettier-ignore
export const HAND_TABLE: Uint8Array = Uint8Array.of(
  0, 0, 1, 2, 2, 2, 3, 4, // thumb root H0
  0, 0, 0, 1, 1, 2, 3, 4, // thumb root H1
  0, 0, 0, 2, 3, 4, 5, 6, // thumb flexion H0
  0, 0, 0, 1, 2, 3, 4, 5, // thumb flexion H1
  0, 0, 1, 2, 3, 3, 3, 4, // finger flexion H0
  0, 0, 0, 1, 2, 2, 3, 4, // finger flexion H1
  1, 0, 1, 2, 3, 3, 4, 5, // finger spread H0
  0, 0, 0, 1, 2, 3, 4, 5, // finger spread H1
);
