/**
 * How many unfinished connections one address may have: half-open handshakes are the cheapest flood there is.
 *
 * [AG1] The address is the socket's, or the proxy's word where a proxy is configured; never a header anyone can send.
 * [AG2] Every `enter` that returned true is followed by exactly one `leave`: at the end of the handshake or of the connection.
 */
import { LIMITS } from "@copresence/shared/protocol";

export class AddressGate {
  private readonly pending = new Map<string, number>();
  private readonly max: number;

  constructor(max: number = LIMITS.pendingPerAddress) {
    this.max = max;
  }

  enter(address: string): boolean {
    const count = this.pending.get(address) ?? 0;
    if (count >= this.max) return false;
    this.pending.set(address, count + 1);
    return true;
  }

  leave(address: string): void {
    const count = this.pending.get(address) ?? 0;
    if (count <= 1) this.pending.delete(address);
    else this.pending.set(address, count - 1);
  }
}
