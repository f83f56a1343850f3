/** Which keys are down. Losing the window's focus lets go of all of them: a key-up that happens elsewhere is never seen. */
import { isTyping } from "./geometry.ts";

export class Keys {
  private readonly down = new Set<string>();

  constructor() {
    globalThis.addEventListener("keydown", (event) => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      this.down.add(event.code);
      if (event.code.startsWith("Arrow") && (event.target === document.body || event.target instanceof HTMLCanvasElement)) event.preventDefault();
    });
    globalThis.addEventListener("keyup", (event) => this.down.delete(event.code));
    globalThis.addEventListener("blur", () => this.down.clear());
    document.addEventListener("focusin", (event) => {
      if (isTyping(event)) this.down.clear();
    });
  }

  /** -1, 0 or 1: `minus` down, neither or both, `plus` down. */
  axis(minus: string, plus: string): number {
    return Number(this.down.has(plus)) - Number(this.down.has(minus));
  }
}
