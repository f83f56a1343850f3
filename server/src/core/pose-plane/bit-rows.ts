/**
 * A square of bits, one row of slots per viewer, so that "does this bundle hold anybody that matters to this viewer" is a few ANDs.
 *
 * [BT1] Fixed memory: capacity * capacity bits. Nothing is allocated after construction.
 */
export class BitRows {
  /** Words per row. */
  readonly words: number;
  readonly bits: Int32Array;

  constructor(rows: number, columns: number) {
    this.words = (columns + 31) >> 5;
    this.bits = new Int32Array(rows * this.words);
  }

  has(row: number, column: number): boolean {
    return (((this.bits[row * this.words + (column >> 5)] as number) >>> (column & 31)) & 1) === 1;
  }
  set(row: number, column: number): void {
    const at = row * this.words + (column >> 5);
    this.bits[at] = (this.bits[at] as number) | (1 << (column & 31));
  }
  clear(row: number, column: number): void {
    const at = row * this.words + (column >> 5);
    this.bits[at] = (this.bits[at] as number) & ~(1 << (column & 31));
  }
  put(row: number, column: number, value: boolean): void {
    if (value) this.set(row, column);
    else this.clear(row, column);
  }
  fillRow(row: number, value: boolean): void {
    this.bits.fill(value ? -1 : 0, row * this.words, row * this.words + this.words);
  }
}
