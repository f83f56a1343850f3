/** Log lines of a thing under test, and a way to wait for one. */
export class LogLines {
  readonly all: string[] = [];
  private readonly waiters = new Set<() => void>();
  readonly add = (line: string): void => {
    this.all.push(line);
    for (const check of this.waiters) check();
  };

  /** The next line, from the `from`th on, that matches. */
  until(pattern: RegExp, from = 0): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!this.all.slice(from).some((line) => pattern.test(line))) return;
        this.waiters.delete(check);
        resolve();
      };
      this.waiters.add(check);
      check();
    });
  }
}
