/**
 * Remembers what was asked for lately: a map of bounded size for values that can be made again.
 *
 * Two halves: when the young one is full it becomes the old one, and what nobody asked for meanwhile is gone. So whatever is asked for once in every
 * `half` new keys stays, and looking up is one or two map operations.
 */
export class Recent<V> {
  private readonly half: number;
  private young = new Map<string, V>();
  private old = new Map<string, V>();

  /** At most twice `half` values are held. */
  constructor(half: number) {
    this.half = half;
  }

  get(key: string): V | undefined {
    const value = this.young.get(key);
    if (value !== undefined) return value;
    const older = this.old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, value: V): void {
    if (this.young.size >= this.half) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }
}
